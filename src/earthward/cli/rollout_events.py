"""`earthward rollout events`: all that a gateway's rollout was told, for `earthward rollout replay`."""

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from earthward.cli.admin import route_name, state_of
from earthward.cli.check import CONFIG
from earthward.cli.output import DONE, NO, WRONG_USE, fail
from earthward.control.rollout_files import RolloutFiles, Unreadable
from earthward.rollout.plan_values import duration


class _At(msgspec.Struct, frozen=True):
    """What of a line says when it was."""

    t: float


def add_events(app: typer.Typer) -> None:
    app.command("events")(events)


def events(
    route: Annotated[str, typer.Argument(help="The name of the route.")],
    since: Annotated[
        str | None,
        typer.Option("--since", help="Only what was told since then: `2d` ago, or a time such as 2026-09-21T13:00Z."),
    ] = None,
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")] = CONFIG,
    state: Annotated[
        Path | None, typer.Option("--state", help="The gateway's state folder, in place of the file.")
    ] = None,
) -> None:
    """Print all that a rollout was told since it began, as `rollout replay` reads it: each request by its arm, times
    and verdicts, each order, and the plan. Nothing of what users sent or got is in it.

    Whether the gateway runs does not matter. With `--since` the lines begin in the middle: a replay then starts the
    rollout at the first of them. Exit status 1 where nothing is on record.
    """
    begin = _seconds(since) if since is not None else None
    folder = state_of(config, state).rollouts
    files = RolloutFiles(folder, route_name(route))
    try:
        kept = files.kept()
    except Unreadable as problem:
        fail(str(problem), NO)
    if kept is None:
        known = ", ".join(sorted(it.name.removesuffix(".rollout") for it in folder.glob("*.rollout"))) or "none"
        fail(f"no rollout of a route `{route}` has begun in {folder}; those that have: {known}", WRONG_USE)
    if kept.recorded is None:
        why = f": {kept.unrecorded}" if kept.unrecorded else ""
        fail(f"nothing is on record of {route}{why}; a record begins with the next `start` or `retry`", NO)
    for line in _lines(files.record, kept.recorded):
        if begin is None or msgspec.json.decode(line, type=_At).t >= begin:
            sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
    raise typer.Exit(DONE)


def _lines(record: Path, length: int) -> Iterator[bytes]:
    """Up to where the state knows of them: later ones may be half written."""
    try:
        with record.open("rb") as file:
            while length > 0 and (line := file.readline()):
                length -= len(line)
                yield line
    except OSError as error:
        fail(f"{record}: {error.strerror or error}", NO)


def _seconds(since: str) -> float:
    try:
        return time.time() - duration(since)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(since)
    except ValueError:
        fail(f"--since takes how long ago, such as 90m or 2d, or a time such as 2026-09-21T13:00Z; not `{since}`")
    return at.replace(tzinfo=at.tzinfo or UTC).timestamp()
