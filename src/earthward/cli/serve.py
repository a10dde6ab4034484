"""`earthward serve`: the gateway, in the foreground."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from earthward.cli.output import fail
from earthward.gateway.start import prepare
from earthward.gateway.supervisor import CannotStart, Supervisor

CONFIG = Path("earthward.yaml")
NICENESS = 5
"""Of the control process, from its start: where cores are scarce, records wait in the spool rather than callers in
line."""


def serve(
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")] = CONFIG,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-w", min=1, max=32, help="Worker processes; by default one per core, up to 4."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Listen here instead of where the configuration says.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Listen on this port instead; 0 takes any free one.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Log only warnings and errors.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON with the addresses once up.")] = False,
) -> None:
    """Run the gateway until Ctrl-C or SIGTERM; it then ends what is under way.

    SIGHUP reads the configuration anew, and so does a change of the file. A file that has a mistake is refused whole,
    and what was in force stays in force.
    """
    logging.basicConfig(
        level=logging.WARNING if quiet else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for talkative in ("alembic", "uvicorn"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    try:
        boot = prepare(config, host=host)
        listen = (boot.host if host is None else host, boot.port if port is None else port)
        supervisor = Supervisor(
            boot, workers or default_workers(), lambda self: control(self, config.resolve()), listen
        )
        if json:
            supervisor.on_up = lambda: print(line(supervisor), flush=True)
        with engines(supervisor):
            status = supervisor.run()
    except CannotStart as problem:
        fail(str(problem))
    raise typer.Exit(status)


def line(supervisor: Supervisor) -> str:
    """Where the gateway listens, for programs."""
    up = {"url": supervisor.url, "admin": supervisor.admin_url, "pid": os.getpid()}
    return msgspec.json.encode(up).decode()


def default_workers() -> int:
    return min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def control(supervisor: Supervisor, config: Path) -> None:
    """The control process. Its imports cost a second that workers should not wait for, so they come after the fork."""
    os.nice(NICENESS)
    from earthward.control.process import run_control

    run_control(supervisor, config)


@contextlib.contextmanager
def engines(supervisor: Supervisor) -> Iterator[None]:
    """The embedded engines that the configuration names, for as long as the gateway runs."""
    boot = supervisor.boot
    if not boot.engines:
        yield
        return
    from earthward.engine.keeper import EngineKeeper
    from earthward.engine.model import UnusableModel

    try:
        kept = EngineKeeper(boot.engines)
    except UnusableModel as problem:
        raise CannotStart(str(problem)) from problem
    with kept as keeper:
        supervisor.engines.update(keeper.urls)
        supervisor.watched.append(keeper.revive)
        yield
