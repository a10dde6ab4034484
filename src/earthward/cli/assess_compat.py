"""`earthward assess compat`: what of an application's requests breaks on the way to Ollama, and what becomes of it."""

import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from earthward.assess.compat import Application, Audit, Compatibility
from earthward.assess.recorded import requests
from earthward.cli.ledger import printable
from earthward.cli.output import DONE, NOT_ENOUGH_EVIDENCE, fail, print_json
from earthward.gateway.observing import read_counts

WIDE = 140
COLOURS = {"yours to change": "yellow", "refused": "red", "told": "cyan", "handled": "green"}


def compat(files: list[Path], *, json: bool) -> None:
    """Says, for each application, what it would meet, by its recorded requests or by what a gateway has counted.

    Exit status 3 if there was no request.
    """
    if not files:
        fail("name files with recorded requests, as in: earthward assess compat requests.jsonl")
    audit, quiet = Audit(), json or not sys.stderr.isatty()
    for path in track(files, "reading", console=Console(stderr=True), transient=True, disable=quiet):
        try:
            if path.is_dir():
                _add_counts(audit, path)
            else:
                audit.take(requests(path))
        except OSError as error:
            fail(f"{path}: can't be read: {error.strerror}")
    found = audit.result()
    if json:
        print_json(found)
    else:
        show(found)
    raise typer.Exit(DONE if found.requests else NOT_ENOUGH_EVIDENCE)


def _add_counts(audit: Audit, folder: Path) -> None:
    """What the workers of a gateway with `observe: true` have counted."""
    for file in sorted(folder.glob("*.json")):
        for app, seen in read_counts(file).items():
            audit.add(app, seen.requests, seen.met)


def show(found: Compatibility) -> None:
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    console.print(f"{found.requests:,} requests of {len(found.applications):,} applications")
    if found.without_request:
        told = "records hold no request with its body, and were left out"
        console.print(Text(f"mind: {found.without_request:,} {told}", "yellow"))
    for application in found.applications:
        console.print()
        console.print(_table(application))


def _table(application: Application) -> Table:
    title = f"{printable(application.name)}: {application.requests:,} requests"
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
