"""`earthward keys`: callers' keys to the gateway."""

import sys
import time
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from earthward.cli.key_changes import rotate, set_
from earthward.cli.key_limits import Budget, BudgetSoft, Parallel, Rpm, Tpm, changed, told
from earthward.cli.key_store import Config, Json, State, Store, at_store, known_routes, lifetime, place_of, printable
from earthward.cli.key_usage import usage
from earthward.cli.output import NO, fail, print_json
from earthward.config.problems import unknown
from earthward.config.snapshot import DATA_CLASSES
from earthward.store import keys
from earthward.store.digest import pepper
from earthward.store.keys import KeyRow
from earthward.store.location import STATE

STYLES = {"active": "green", "expired": "yellow", "revoked": "red"}

app = typer.Typer(
    no_args_is_help=True, help="Make, list, change and revoke callers' keys. A gateway knows within a second."
)


@app.command()
def create(
    app_: Annotated[str, typer.Option("--app", help="The application that will use it.")] = "",
    team: Annotated[str, typer.Option(help="The team it belongs to.")] = "",
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    route: Annotated[
        list[str] | None, typer.Option(help="A route it may use; may be given often. Default: all.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="How long it works: 90d, 12h, 2w. Default: until revoked.")
    ] = None,
    data_class: Annotated[
        str, typer.Option(help="What is asked with it counts as this class of data at least, whatever its caller says.")
    ] = "",
    may_explain: Annotated[
        bool, typer.Option("--may-explain", help="It may ask, with x-earthward-explain, how a request was decided.")
    ] = False,
    rpm: Rpm = None,
    tpm: Tpm = None,
    parallel: Parallel = None,
    budget: Budget = None,
    budget_soft: BudgetSoft = None,
    config: Config = None,
    store: Store = None,
    state: State = None,
    json: Json = False,
) -> None:
    """Make a key, and show it this one time: what is stored can't be turned back into it."""
    now = time.time_ns()
    expires_at = None if expires is None else now + lifetime(expires) * 1_000_000_000
    if data_class and data_class not in DATA_CLASSES:
        fail(unknown("class of data", data_class, DATA_CLASSES))
    quota = changed(None, rpm, tpm, parallel, budget, budget_soft)
    place = place_of(config, store, state)
    routes = known_routes(route or [], place)
    with at_store(place, make=True) as engine:
        try:
            secret = pepper(place.state)
        except OSError as error:
            fail(f"the state folder {place.state} can't be used: {error.strerror}")
        key, row = keys.create(
            engine,
            secret,
            now,
            name=name,
            app=app_,
            team=team,
            routes=routes,
            expires_at=expires_at,
            data_class=data_class,
            may_explain=may_explain,
            quota=quota,
        )
    if json:
        print_json({"key": key, **printable(row)})
        return
    print(f"Key {row.id} was made. Keep it now: it can't be shown again.", file=sys.stderr)
    print(key)


@app.command(name="list")
def list_(config: Config = None, store: Store = None, json: Json = False) -> None:
    """List all keys there ever were, without what would let anyone use them."""
    with at_store(place_of(config, store, STATE), make=False) as engine:
        rows = keys.listed(engine)
    now = time.time_ns()
    if json:
        print_json([{**printable(row), "state": row.state(now)} for row in rows])
    else:
        _console().print(_table(rows, now))


app.command(name="set")(set_)
app.command()(rotate)
app.command()(usage)


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(help="As `keys list` shows it, or the key itself.")],
    config: Config = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Revoke a key for good."""
    named = id.split("-")[1] if id.startswith("ew-") else id
    with at_store(place_of(config, store, STATE), make=False) as engine:
        known = keys.revoke(engine, named, time.time_ns())
    if not known:
        fail(f"there is no key {named!r}; `earthward keys list` shows those there are", NO)
    if json:
        print_json({"id": named, "revoked": True})
    else:
        print(f"Key {named} is revoked.")


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False)


def _table(rows: list[KeyRow], now: int) -> Table:
    heads = ("id", "state", "app", "team", "name", "routes", "data", "explains", "limits", "made", "expires")
    table = Table(*heads, box=None, pad_edge=False)
    for row in rows:
        state = row.state(now)
        rights = (row.data_class or "any", "yes" if row.may_explain else "no", told(row.quota))
        labels = map(Text, (row.app, row.team, row.name, ", ".join(row.routes) or "all", *rights))
        expires = "never" if row.expires_at is None else _day(row.expires_at)
        table.add_row(row.id, Text(state, STYLES[state]), *labels, _day(row.created_at), expires)
    return table


def _day(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9).strftime("%Y-%m-%d %H:%M")
