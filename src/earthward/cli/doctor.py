"""`earthward doctor`: whether everything that a configuration names is there, and safe."""

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.text import Text

from earthward.cli.output import DONE, NO, WRONG_USE, fail, print_json
from earthward.config.boot import Boot
from earthward.config.compile import compile
from earthward.config.load import load
from earthward.config.problems import ConfigErrors
from earthward.config.snapshot import Snapshot
from earthward.gateway.state import State
from earthward.probe import disk, ollama_hosts, ports, upstreams
from earthward.probe.finding import Finding

CONFIG = Path("earthward.yaml")
MARKS = {"ok": ("ok", "green"), "note": ("note", "yellow"), "problem": ("problem", "red")}
SQLITE = "sqlite:///"


def doctor(
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")] = CONFIG,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look whether everything the configuration names is there, and say what to do where it isn't.

    Providers reachable, keys accepted, models present; Ollama's version, and who else can reach it; disks, ports and
    the clock. Providers are asked for their lists of models and never for an answer, so nothing costs anything. The
    status is 1 if there is a problem; notes are worth knowing and keep nothing from working.
    """
    try:
        configuration = load(config)
    except ConfigErrors as errors:
        if json:
            print_json({"ok": False, "problems": errors.problems})
            raise typer.Exit(WRONG_USE) from None
        fail(f"the configuration is not sound:\n{errors}")
    snapshot = compile(configuration, day=date.today())
    findings = [*_machine(configuration.boot()), *_upstreams(snapshot, quiet=json)]
    problems = sum(finding.state == "problem" for finding in findings)
    if json:
        print_json({"ok": not problems, "file": str(config), "findings": findings})
    else:
        _tell(findings, problems)
    raise typer.Exit(NO if problems else DONE)


def _machine(boot: Boot) -> Iterator[Finding]:
    state = State(Path(boot.state))
    is_running = ports.is_held(state.supervisor_lock)
    yield ports.look("listen", boot.host, boot.port, is_running=is_running)
    yield ports.look("admin", boot.admin_host, boot.admin_port, is_running=is_running)
    yield from disk.look("state", Path(boot.state), is_folder=True)
    if boot.store.startswith(SQLITE):
        yield from disk.look("store", Path(boot.store.removeprefix(SQLITE).partition("?")[0]), is_folder=False)


def _upstreams(snapshot: Snapshot, *, quiet: bool) -> Iterator[Finding]:
    looks = upstreams.looks(snapshot)
    addresses = ollama_hosts.own_addresses()
    with ThreadPoolExecutor(max_workers=16) as threads, _waiting(len(looks), quiet=quiet) as one_more:
        seen = [threads.submit(upstreams.look, at, os.environ) for at in looks]
        hosts = [threads.submit(ollama_hosts.look, at, addresses) if _is_ollama(at) else None for at in looks]
        skews = []
        for one, host in zip(seen, hosts, strict=True):
            yield from one.result().findings
            yield from host.result() if host else ()
            skews.append(one.result().skew)
            one_more()
    yield upstreams.clock(skews)


def _is_ollama(at: upstreams.Look) -> bool:
    """One of our own: who reaches ollama.com is not ours to look at."""
    return at.provider.kind == "ollama" and at.provider.zone == "local"


class _waiting:  # noqa: N801  read as a statement
    """A spinner with the count of endpoints, where somebody looks on."""

    def __init__(self, total: int, *, quiet: bool) -> None:
        columns = (SpinnerColumn(), TextColumn("asking {task.completed} of {task.total} endpoints"))
        hidden = quiet or not sys.stderr.isatty()
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden)
        self._task = self._progress.add_task("", total=total)

    def __enter__(self) -> Callable[[], None]:
        self._progress.start()
        return lambda: self._progress.advance(self._task)

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _tell(findings: list[Finding], problems: int) -> None:
    console = Console(highlight=False, soft_wrap=True)
    width = max(len(finding.about) for finding in findings)
    for finding in findings:
        mark, style = MARKS[finding.state]
        line = Text.assemble((f"{mark:<9}", style), f"{finding.about:<{width}}  {finding.what}")
        console.print(line)
        if finding.do:
            console.print(Text(f"{'':<{9 + width}}  → {finding.do}", style="dim"))
    notes = sum(finding.state == "note" for finding in findings)
    console.print(f"\n{_count(problems, 'problem')}, {_count(notes, 'note')}.")


def _count(count: int, word: str) -> str:
    return f"{count or 'no'} {word}{'' if count == 1 else 's'}"
