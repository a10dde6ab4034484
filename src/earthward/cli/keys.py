"""`earthward keys`: callers' keys to the gateway."""

import contextlib
import re
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from earthward.cli.output import NO, fail, print_json
from earthward.config.problems import ConfigErrors, unknown
from earthward.config.snapshot import DATA_CLASSES
from earthward.store import keys
from earthward.store.digest import pepper
from earthward.store.keys import KeyRow
from earthward.store.location import STATE, Location, location
from earthward.store.tables import StoreUnusable
from earthward.store.tables import open as open_store

UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
STYLES = {"active": "green", "expired": "yellow", "revoked": "red"}

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke callers' keys. A gateway knows within a second.")

Config = Annotated[Path | None, typer.Option("--config", "-c", help="The configuration; by default earthward.yaml.")]
Store = Annotated[str | None, typer.Option("--store", help="The store's URL instead of the configured one.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


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
    config: Config = None,
    store: Store = None,
    state: Annotated[
        Path | None, typer.Option("--state", help="The state folder instead of the configured one.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a key, and show it this one time: what is stored can't be turned back into it."""
    now = time.time_ns()
    expires_at = None if expires is None else now + lifetime(expires) * 1_000_000_000
    if data_class and data_class not in DATA_CLASSES:
        fail(unknown("class of data", data_class, DATA_CLASSES))
    place = _location(config, store, state)
    routes = _known(route or [], place)
    with _store(place, make=True) as engine:
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
        )
    if json:
        print_json({"key": key, **msgspec.structs.asdict(row)})
        return
    print(f"Key {row.id} was made. Keep it now: it can't be shown again.", file=sys.stderr)
    print(key)


@app.command(name="list")
def list_(config: Config = None, store: Store = None, json: Json = False) -> None:
    """List all keys there ever were, without what would let anyone use them."""
    with _store(_location(config, store, STATE), make=False) as engine:
        rows = keys.listed(engine)
    now = time.time_ns()
    if json:
        print_json([{**msgspec.structs.asdict(row), "state": row.state(now)} for row in rows])
    else:
        _console().print(_table(rows, now))


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(help="As `keys list` shows it, or the key itself.")],
    config: Config = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Revoke a key for good."""
    named = id.split("-")[1] if id.startswith("ew-") else id
    with _store(_location(config, store, STATE), make=False) as engine:
        known = keys.revoke(engine, named, time.time_ns())
    if not known:
        fail(f"there is no key {named!r}; `earthward keys list` shows those there are", NO)
    if json:
        print_json({"id": named, "revoked": True})
    else:
        print(f"Key {named} is revoked.")


def lifetime(text: str) -> int:
    """Seconds."""
    match = re.fullmatch(r"([0-9]{1,6})([mhdw])", text)
    if match is None or not int(match[1]):
        fail(f"{text!r} is no time to live; write it like 90d, 12h or 2w")
    return int(match[1]) * UNITS[match[2]]


def _known(routes: list[str], place: Location) -> list[str]:
    if place.routes is not None:
        for route in routes:
            if route not in place.routes:
                fail(unknown("route", route, place.routes))
    return routes


def _location(config: Path | None, store: str | None, state: Path | None) -> Location:
    try:
        return location(config, store, state)
    except ConfigErrors as errors:
        fail(str(errors))


@contextlib.contextmanager
def _store(place: Location, *, make: bool) -> Iterator[Engine]:
    try:
        engine = open_store(place.store, make=make)
    except StoreUnusable as problem:
        fail(f"{problem}; name the configuration with -c or the store with --store")
    except SQLAlchemyError as error:
        fail(f"the store can't be used: {getattr(error, 'orig', None) or error}")
    try:
        yield engine
    finally:
        engine.dispose()


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False)


def _table(rows: list[KeyRow], now: int) -> Table:
    heads = ("id", "state", "app", "team", "name", "routes", "data", "explains", "made", "expires")
    table = Table(*heads, box=None, pad_edge=False)
    for row in rows:
        state = row.state(now)
        rights = (row.data_class or "any", "yes" if row.may_explain else "no")
        labels = map(Text, (row.app, row.team, row.name, ", ".join(row.routes) or "all", *rights))
        expires = "never" if row.expires_at is None else _day(row.expires_at)
        table.add_row(row.id, Text(state, STYLES[state]), *labels, _day(row.created_at), expires)
    return table


def _day(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9).strftime("%Y-%m-%d %H:%M")
