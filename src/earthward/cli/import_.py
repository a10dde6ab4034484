"""`earthward import`: another gateway's configuration as one of ours."""

import os
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from earthward.cli.output import NO, fail, print_json, write_new
from earthward.config.document import parse
from earthward.config.litellm import convert
from earthward.config.litellm_deployments import Note
from earthward.config.load import read
from earthward.config.problems import ConfigErrors
from earthward.config.written import text_of

LARGEST = 4 * 1024 * 1024

app = typer.Typer(no_args_is_help=True, help="Turn another gateway's configuration into one of ours.")


@app.callback()
def _import() -> None:
    pass


@app.command()
def litellm(
    file: Annotated[Path, typer.Argument(help="LiteLLM's configuration, often config.yaml.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write it here. Default: standard output.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Turn a LiteLLM proxy's configuration into ours, and list what has no counterpart.

    What it writes passes `earthward check`. No secret is copied: a key that stands in the file becomes the name of an
    environment variable. Addresses that LiteLLM takes from the environment are taken from there. The list goes to
    standard error; the status is 1 if nothing could be carried over.
    """
    try:
        with file.open("rb") as opened:
            document = parse(opened.read(LARGEST + 1), str(file))
        imported = convert(document, os.environ)
    except OSError as error:
        fail(f"can't read {file}: {error.strerror or type(error).__name__}")
    except ConfigErrors as errors:
        fail(str(errors))
    written = imported.written
    text = None
    if written is not None:
        text = text_of(msgspec.structs.replace(written, head=_head(file, imported.notes)))
        _assure_sound(text, output or Path("earthward.yaml"))
    if text is not None and output is not None:
        write_new(output, text, force=force)
    if json:
        print_json({"ok": text is not None, "configuration": text, "notes": imported.notes})
    else:
        if text is not None and output is None:
            print(text, end="")
        _tell(file, imported.notes, output)
    if text is None:
        if not json:
            print("Nothing could be carried over.", file=sys.stderr)
        raise typer.Exit(NO)


def _head(file: Path, notes: tuple[Note, ...]) -> list[str]:
    """The list stands in the file as well, so that it isn't lost with the terminal."""
    told = [f"  line {note.line}, {note.what}: {note.why}" for note in notes]
    head = [f"From LiteLLM's {file.name}, by `earthward import litellm`."]
    return [*head, "", "Not carried over, or otherwise:", *told] if told else head


def _assure_sound(text: str, place: Path) -> None:
    try:
        read(text.encode(), place.absolute())
    except ConfigErrors as errors:
        told = "\n".join(f"  line {problem.line}: {problem.message}" for problem in errors.problems)
        fail(f"what would be written is not sound, so nothing is; change this in LiteLLM's file first:\n{told}", NO)


def _tell(file: Path, notes: tuple[Note, ...], output: Path | None) -> None:
    console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 160)
    if output is not None:
        console.print(Text(f"{output} is written; `earthward check -c {output}` sums it up."))
    if notes:
        table = Table("line", "what", "not carried over, or otherwise", title=None, box=None, pad_edge=False)
        for note in notes:
            table.add_row(str(note.line), Text(note.what), Text(note.why))
        console.print(Text(f"\nOf {file}:"))
        console.print(table)
