"""What the commands on keys share: where the keys are, and how they are shown."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from earthward.cli.output import fail
from earthward.config.problems import ConfigErrors, unknown
from earthward.config.snapshot import Quota
from earthward.routing.limits import NANO
from earthward.store.keys import KeyRow
from earthward.store.location import Location, location
from earthward.store.tables import StoreUnusable
from earthward.store.tables import open as open_store

UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}

Config = Annotated[Path | None, typer.Option("--config", "-c", help="The configuration; by default earthward.yaml.")]
Store = Annotated[str | None, typer.Option("--store", help="The store's URL instead of the configured one.")]
State = Annotated[Path | None, typer.Option("--state", help="The state folder instead of the configured one.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def lifetime(text: str) -> int:
    """Seconds."""
    match = re.fullmatch(r"([0-9]{1,6})([mhdw])", text)
    if match is None or not int(match[1]):
        fail(f"{text!r} is no time to live; write it like 90d, 12h or 2w")
    return int(match[1]) * UNITS[match[2]]


def known_routes(routes: list[str], place: Location) -> list[str]:
    if place.routes is not None:
        for route in routes:
            if route not in place.routes:
                fail(unknown("route", route, place.routes))
    return routes


def place_of(config: Path | None, store: str | None, state: Path | None) -> Location:
    try:
        return location(config, store, state)
    except ConfigErrors as errors:
        fail(str(errors))


@contextlib.contextmanager
def at_store(place: Location, *, make: bool) -> Iterator[Engine]:
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


def printable(row: KeyRow) -> dict[str, Any]:
    """Budgets in US dollars."""
    found = msgspec.structs.asdict(row)
    found["quota"] = None if row.quota is None else _quota(row.quota)
    return found


def _quota(quota: Quota) -> dict[str, Any]:
    budgets = [
        {name: nano / NANO if isinstance(nano, int) else nano for name, nano in msgspec.structs.asdict(it).items()}
        for it in quota.budgets
    ]
    return {**msgspec.structs.asdict(quota), "budgets": budgets}
