"""`earthward assess compat`: what of an application's requests breaks on the way to Ollama, and what becomes of it."""

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from earthward.assess.compat import ORDER, Application, Audit, Compatibility
from earthward.assess.recorded import requests
from earthward.cli.ledger import printable
from earthward.cli.output import DONE, NOT_ENOUGH_EVIDENCE, fail, print_json
from earthward.gateway.observing import read_counts

WIDE = 140
_NO_COUNTS = "no counts of a gateway's are in this folder; name files for what they record"
_NO_REQUEST = "no request with its body was found in it"
COLOURS = {"yours to change": "yellow", "refused": "red", "told": "cyan", "handled": "green"}


def compat(
    files: Annotated[
        list[Path],
        typer.Argument(help="Recorded requests with their bodies, or the folder in which a gateway has counted them."),
    ],
    app: Annotated[str | None, typer.Option(help="Tell of this application alone.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what each application would meet on the way to Ollama: what it asks for that breaks there, in how many of its
    requests, and what becomes of it behind the gateway.

    Reads recorded requests with their bodies: HAR, JSON lines, OpenAI's batch
    files, LiteLLM's spend logs, Langfuse's generations, Helicone's requests.
    Formats are told apart by what is in the files. It keeps counts alone, sends
    nothing anywhere, and needs no gateway. Without records, let a gateway with
    `observe: true` count for a while and name its folder:
    `earthward assess compat earthward-state/observed`.

    Each finding is one of: handled (nothing to do), told (left out, and named
    in the answer's `x-earthward-dropped`), refused (a 400 that says what to do
    instead, unless another target of the route can), yours to change.

    Exit status 3 if no record was a request.
    """
    audit, quiet = Audit(), json or not sys.stderr.isatty()
    barren: list[Path] = []
    for path in track(files, "reading", console=Console(stderr=True), transient=True, disable=quiet):
        before = audit.requests
        try:
            if path.is_dir():
                _add_counts(audit, path)
            else:
                audit.take(requests(path))
        except OSError as error:
            fail(f"{path}: can't be read: {error.strerror}")
        if audit.requests == before:
            barren.append(path)
    for path in barren:
        print(f"earthward: {path}: {_NO_COUNTS if path.is_dir() else _NO_REQUEST}", file=sys.stderr)
    found = _only(audit.result(), app)
    if json:
        print_json(found)
    else:
        show(found)
    raise typer.Exit(DONE if found.requests else NOT_ENOUGH_EVIDENCE)


def _only(found: Compatibility, app: str | None) -> Compatibility:
    if app is None:
        return found
    named = tuple(one for one in found.applications if one.name == app)
    if not named:
        known = ", ".join(printable(one.name) for one in found.applications) or "none"
        fail(f"--app {app}: there is no such application; known: {known[:500]}")
    return msgspec.structs.replace(found, applications=named, requests=sum(one.requests for one in named))


def _add_counts(audit: Audit, folder: Path) -> None:
    """What the workers of a gateway with `observe: true` have counted."""
    for file in sorted(folder.glob("*.json")):
        for app, seen in read_counts(file).items():
            audit.add(app, seen.requests, seen.met)


def show(found: Compatibility) -> None:
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    console.print(f"{_many(found.requests, 'request')} of {_many(len(found.applications), 'application')}")
    if found.without_request:
        told = "without a request and its body left out"
        console.print(Text(f"mind: {_many(found.without_request, 'record')} {told}", "yellow"))
    for application in found.applications:
        console.print()
        console.print(_table(application))


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _table(application: Application) -> Table:
    verdicts = Counter(one.verdict for one in application.meets)
    found = ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in ORDER if verdicts[verdict])
    title = f"{printable(application.name)}: {_many(application.requests, 'request')}; {found or 'nothing that breaks'}"
    table = Table(title=title, title_justify="left", expand=False)
    table.add_column("", justify="right")
    table.add_column("asks for")
    table.add_column("in", justify="right")
    table.add_column("")
    table.add_column("with Earthward")
    for one in application.meets:
        share = f"{one.share:.0%}" if one.share >= 0.005 else "<1%"
        verdict = Text(one.verdict, COLOURS[one.verdict])
        table.add_row(str(one.number), one.what, share, verdict, one.with_earthward)
    if not application.meets:
        table.add_row("", "nothing that breaks", "", "", "")
    return table
