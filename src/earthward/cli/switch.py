"""`earthward switch`: in an emergency, everything to the cloud or everything to the house, and back."""

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from earthward.cli.admin import is_running, state_of
from earthward.cli.check import CONFIG
from earthward.cli.output import DONE, NO, fail, print_json
from earthward.config.snapshot import Zone
from earthward.gateway import switch as switches
from earthward.gateway.last_run import read_snapshot
from earthward.gateway.state import State

WAIT = 30.0
"""Seconds for which a running gateway is waited for. It looks four times a second, but may have a busy machine."""


class To(StrEnum):
    cloud = "cloud"
    local = "local"
    off = "off"


def switch(
    to: Annotated[To | None, typer.Argument(help="`off` goes by the routes again. Left out: say what holds.")] = None,
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")] = CONFIG,
    state: Annotated[Path | None, typer.Option(help="The gateway's state folder, if the file can't be read.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send everything to the cloud or to the house at once, whatever the routes say, or go by them again.

    A running gateway takes it up within a second, and it holds over restarts. Data that may not leave stays in the
    house under `cloud`, too. Under `local` a route that names no target in the house serves nobody.
    """
    folder = state_of(config, state)
    if to is not None:
        wanted: Zone | None = None if to is To.off else switches.ZONES[to]
        try:
            switches.write(folder.switch, wanted)
        except OSError as error:
            fail(f"can't write {folder.switch}: {error.strerror}", NO)
        in_force = _is_taken_up(folder, wanted)
    else:
        wanted = switches.read(folder.switch)
        in_force = _in_force(folder, wanted)
    if json:
        print_json({"switch": wanted or "off", "in_force": in_force})
    else:
        print(_told(wanted, in_force))
    raise typer.Exit(DONE)


def _is_taken_up(state: State, zone: Zone | None) -> bool:
    end = time.monotonic() + (WAIT if is_running(state) else 0.0)
    while not (done := _in_force(state, zone)) and time.monotonic() < end:
        time.sleep(0.02)
    return done


def _in_force(state: State, zone: Zone | None) -> bool:
    """Whether the snapshot that was last given to workers says so."""
    try:
        return read_snapshot(state).switch == zone
    except (OSError, ValueError):
        return False


def _told(zone: Zone | None, in_force: bool) -> str:
    what = {None: "goes where the routes say", "cloud": "goes to the cloud", "local": "stays in the house"}[zone]
    return f"Everything {what}" + ("." if in_force else ", as soon as a gateway with this state folder runs.")
