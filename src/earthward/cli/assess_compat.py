"""`earthward assess compat`: what of an application's requests breaks on the way to Ollama, and what becomes of it."""

import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from earthward.assess.compat.recorded import requests
from earthward.assess.compat.report import Application, Audit, Compatibility
from earthward.cli.ledger import printable
from earthward.cli.output import DONE, NOT_ENOUGH_EVIDENCE, fail, print_json

WIDE = 140
COLOURS = {"yours to change": "yellow", "refused": "red", "told": "cyan", "handled": "green"}


def compat(files: list[Path], *, json: bool) -> None:
    """Reads recorded requests and says, for each application, what it would meet. Exit status 3 if there was none."""
    if not files:
        fail("name files with recorded requests, as in: earthward assess compat requests.jsonl")
    audit, quiet = Audit(), json or not sys.stderr.isatty()
    for path in track(files, "reading", console=Console(stderr=True), transient=True, disable=quiet):
        try:
            audit.take(requests(path))
        except OSError as error:
            fail(f"{path}: can't be read: {error.strerror}")
    found = audit.result()
    if json:
        print_json(found)
    else:
        show(found)
    raise typer.Exit(DONE if found.requests else NOT_ENOUGH_EVIDENCE)


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
