"""`earthward keys set` and `earthward keys rotate`: what a key may do is changed, or its secret is."""

import sys
import time
from typing import Annotated, Any

import typer
from sqlalchemy import Engine

from earthward.cli.key_limits import Budget, BudgetSoft, Parallel, Rpm, Tpm, changed
from earthward.cli.key_store import Config, Json, State, Store, at_store, known_routes, lifetime, place_of, printable
from earthward.cli.output import NO, fail, print_json
from earthward.config.problems import unknown
from earthward.config.snapshot import DATA_CLASSES
from earthward.store import keys
from earthward.store.digest import pepper
from earthward.store.location import STATE

NONE = "none"
Who = Annotated[str, typer.Argument(help="Its id, its name, or the key itself.", metavar="KEY")]


def set_(
    who: Who,
    rpm: Rpm = None,
    tpm: Tpm = None,
    parallel: Parallel = None,
    budget: Budget = None,
    budget_soft: BudgetSoft = None,
    expires: Annotated[
        str | None, typer.Option(help="How long it works from now: 90d, 12h, 2w; or `none`: until revoked.")
    ] = None,
    app: Annotated[str | None, typer.Option("--app", help="The application that uses it.")] = None,
    team: Annotated[str | None, typer.Option(help="The team it belongs to.")] = None,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    route: Annotated[
        list[str] | None, typer.Option(help="A route it may use; may be given often; `none`: all of them.")
    ] = None,
    data_class: Annotated[str | None, typer.Option(help="The class of data it stands for; or `none`.")] = None,
    config: Config = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Change a key without a new secret. What is not given stays; `none` takes a limit away."""
    place = place_of(config, store, STATE)
    changes: dict[str, Any] = {
        field: value for field, value in (("app", app), ("team", team), ("name", name)) if value is not None
    }
    if expires is not None:
        now = time.time_ns()
        changes["expires_at"] = None if expires == NONE else now + lifetime(expires) * 1_000_000_000
    if route is not None:
        changes["routes"] = () if route == [NONE] else tuple(known_routes(route, place))
    if data_class is not None:
        if data_class not in (NONE, *DATA_CLASSES):
            fail(unknown("class of data", data_class, (*DATA_CLASSES, NONE)))
        changes["data_class"] = "" if data_class == NONE else data_class
    limits = (rpm, tpm, parallel, budget, budget_soft)
    if not changes and all(limit is None for limit in limits):
        fail("nothing to change: give an option, such as --rpm 60; see `earthward keys set --help`")
    with at_store(place, make=False) as engine:
        known = _the_one(engine, who)
        if any(limit is not None for limit in limits):
            before = next(row.quota for row in keys.listed(engine) if row.id == known)
            changes["quota"] = changed(before, *limits)
        row = keys.change(engine, known, **changes)
    if row is None:
        fail(f"there is no key {known!r} any more", NO)
    if json:
        print_json(printable(row))
    else:
        print(f"Key {row.id} is changed.")


def rotate(
    who: Who,
    overlap: Annotated[
        str, typer.Option(help="How long the secret it has now still works: 12h, 7d; or `none`.")
    ] = "24h",
    config: Config = None,
    store: Store = None,
    state: State = None,
    json: Json = False,
) -> None:
    """Give a key a new secret, and show it this one time. Its id, its limits and what it has used stay."""
    seconds = 0 if overlap == NONE else lifetime(overlap)
    place = place_of(config, store, state)
    now = time.time_ns()
    with at_store(place, make=False) as engine:
        known = _the_one(engine, who)
        try:
            secret = pepper(place.state)
        except OSError as error:
            fail(f"the state folder {place.state} can't be used: {error.strerror}")
        key = keys.rotate(engine, secret, known, now, seconds * 1_000_000_000)
    if key is None:
        fail(f"there is no key {known!r} any more", NO)
    if json:
        print_json({"id": known, "key": key, "old_until": now + seconds * 1_000_000_000 if seconds else None})
        return
    how = f"The old secret works for {overlap} more." if seconds else "The old secret works no more."
    print(f"Key {known} has a new secret. Keep it now: it can't be shown again. {how}", file=sys.stderr)
    print(key)


def _the_one(engine: Engine, who: str) -> str:
    word = who.split("-")[1] if who.startswith("ew-") and who.count("-") > 1 else who
    found = keys.named(engine, word)
    if not found:
        fail(f"there is no key {word!r} that is in use; `earthward keys list` shows those there are", NO)
    if len(found) > 1:
        fail(f"{len(found)} keys are called {word!r}: say which by its id, of {', '.join(found)}")
    return found[0]
