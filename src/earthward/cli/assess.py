"""`earthward assess`: what is used and paid for today, from what vendors and tools export."""

import contextlib
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
import typer
import typer.main
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from typer.core import TyperCommand

from earthward.assess.read import MEMORY, columns_of, connect, read, same_twice
from earthward.assess.result import Assessment
from earthward.assess.source import Unreadable
from earthward.assess.sums import assessment
from earthward.cli.assess_compat import compat
from earthward.cli.assess_screen import show
from earthward.cli.output import DONE, NOT_ENOUGH_EVIDENCE, fail, print_json
from earthward.config.load import money_of
from earthward.config.problems import ConfigErrors
from earthward.cost.price_book import Override

LOOKS = 0.1


class COMMAND(TyperCommand):
    """With another command beside it, whose name stands where else a file does."""

    @property
    def beside(self) -> dict[str, Any]:
        alone = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
        alone.command("compat")(compat)
        return {"compat": typer.main.get_command(alone)}

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        named = self.beside.get(args[0]) if args else None
        if named is not None:
            return named.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


def assess(
    files: Annotated[list[Path], typer.Argument(help="Exports of usage, in any of the known formats.")],
    map_: Annotated[
        str | None, typer.Option("--map", help="Which column is what: time=when,model=name,input=in,output=out.")
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="Of times without an offset; by default UTC.")] = None,
    prices: Annotated[Path | None, typer.Option(help="A file with the section `prices`: your own, with dates.")] = None,
    rate: Annotated[list[str] | None, typer.Option(help="Dollars for one unit of a currency: EUR=1.08.")] = None,
    context: Annotated[int, typer.Option(min=1, help="Tokens that the local model has room for.")] = 32_768,
    keep: Annotated[list[str] | None, typer.Option(help="Models that stay in the cloud: 'o1*'.")] = None,
    memory: Annotated[str, typer.Option(help="Most that is kept in memory; the rest goes to disk.")] = MEMORY,
    threads: Annotated[int | None, typer.Option(min=1, help="By default as many as there are cores.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what the cloud is used for today: requests, tokens, cost, peaks, and what a local model could take over.

    Formats are told apart by what is in the files: OpenAI usage and costs, Anthropic's console, Google Cloud billing,
    LiteLLM, Helicone, Langfuse, OpenTelemetry, this gateway's ledger, any CSV, JSON lines or Parquet. What can't be
    read or priced is counted and told. Exit status 3 if no row was usage.

    `earthward assess compat` is a command of its own: what of an application's requests breaks on the way to Ollama.
    A file of that name is `./compat`.
    """
    try:
        columns = columns_of(map_) if map_ else None
    except ValueError as error:
        fail(f"--map {error}")
    overrides = _overrides(prices)
    rates = _rates(rate or [])
    _zone(timezone)
    try:
        if (twice := same_twice(files)) is not None:
            fail(f"{twice} was given twice; its usage would count double")
        with _database(memory, threads) as connection, _progress(connection, quiet=json) as told:
            readings = [
                read(connection, path, number, columns=columns, zone=timezone, watch=told)
                for number, path in enumerate(files)
            ]
            told("summing up")
            found = assessment(connection, readings, overrides=overrides, context=context, keep=keep or (), rates=rates)
    except Unreadable as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: can't be read: {error.strerror}")
    except duckdb.Error as error:
        fail(f"these files can't be summed up: {str(error).splitlines()[0][:300]}")
    _finish(found, json=json)


def _finish(found: Assessment, *, json: bool) -> None:
    if json:
        print_json(found)
    else:
        show(found)
    raise typer.Exit(DONE if any(it.usage for it in found.files) else NOT_ENOUGH_EVIDENCE)


@contextlib.contextmanager
def _database(memory: str, threads: int | None) -> Iterator[duckdb.DuckDBPyConnection]:
    with tempfile.TemporaryDirectory(prefix="earthward-assess-") as folder:
        try:
            connection = connect(folder, threads, memory)
        except duckdb.Error as error:
            fail(f"--memory {memory}: {str(error).splitlines()[0]}")
        try:
            yield connection
        finally:
            connection.close()


@contextlib.contextmanager
def _progress(connection: duckdb.DuckDBPyConnection, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A bar on stderr for people; yields what tells it a new step."""
    if quiet or not sys.stderr.isatty():
        yield lambda what: None
        return
    done = threading.Event()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=100)

        def look() -> None:
            while not done.wait(LOOKS):
                bar.update(task, completed=max(0.0, connection.query_progress()))

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield lambda what: bar.update(task, description=what)
        finally:
            done.set()
            watcher.join()


def _overrides(path: Path | None) -> tuple[Override, ...]:
    try:
        return money_of(path).overrides if path else ()
    except ConfigErrors as errors:
        fail(str(errors))


def _rates(given: list[str]) -> dict[str, Decimal]:
    rates = {}
    for text in given:
        currency, equals, value = text.partition("=")
        try:
            rates[currency.strip().lower()] = Decimal(value)
        except InvalidOperation:
            equals = ""
        if not equals or not rates[currency.strip().lower()] > 0:
            fail(f"--rate takes the dollars for one unit of a currency, as EUR=1.08; not {text!r}")
    return rates


def _zone(name: str | None) -> None:
    try:
        if name is not None:
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        fail(f"--timezone {name}: is no time zone that is known; try Europe/Berlin or UTC")
