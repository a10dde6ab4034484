"""`earthward ledger`: what went through the gateway, read from the store."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, cast, get_args

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from earthward.chat.usage import COUNTS, Usage
from earthward.cli.output import DONE, NO, NOT_ENOUGH_EVIDENCE, fail, print_json
from earthward.config.problems import ConfigErrors
from earthward.ledger.plain import plain
from earthward.ledger.record import Arm, Record
from earthward.ledger.summary import Summary
from earthward.store import queries
from earthward.store.location import STATE, location
from earthward.store.tables import StoreUnusable
from earthward.store.tables import open as open_store

PAUSE = 0.5
WIDE = 150
"""Columns where the output is no terminal, which would say how wide it is."""

ARMS: tuple[Arm, ...] = get_args(Arm)
GAP = "  "
FIGURES = {"first": 8, "whole": 8, "in": 7, "out": 7, "cost": 11}
TAIL = {"time": 14, "id": 26, "status": 9, "asked for": 18, "arm": 9, "target": 12, **FIGURES}
"""Widths are fixed, so that what follows later stands in the same columns."""
LESSER = ("asked for", "first", "in", "out", "whole", "cost")
SUMS = (
    *("arm", "target", "requests", "errors", "rescued", "arm errors", "first p50", "first p95", "tokens/s"),
    *("in", "out", "cost", "cost unknown"),
)
LESSER_SUMS = ("cost unknown", "in", "out", "tokens/s", "first p50", "rescued", "errors", "first p95")
STYLES = {"ok": "green", "failed": "red", "cancelled": "yellow", "unknown": "magenta"}

app = typer.Typer(no_args_is_help=True, help="Read the ledger: what was asked, who served it, what it took and cost.")

Config = Annotated[Path | None, typer.Option("--config", "-c", help="The configuration; by default earthward.yaml.")]
Store = Annotated[str | None, typer.Option("--store", help="The store's URL instead of the configured one.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def tail(
    count: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many exchanges.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones until Ctrl-C.")] = False,
    route: Annotated[str | None, typer.Option("--route", help="Only those of this route.")] = None,
    arm: Annotated[str | None, typer.Option("--arm", help=f"Only those on this arm: {', '.join(ARMS)}.")] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only those that failed, or that another target had to serve.")
    ] = False,
    config: Config = None,
    store: Store = None,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON for each.")] = False,
) -> None:
    """Show the exchanges that were stored last."""
    show_some = _print_json_lines if json else _print_table
    if arm is not None and arm not in ARMS:
        fail(f"--arm takes {', '.join(ARMS)}; not {printable(arm)}")
    wanted = queries.only(route, arm, is_failed=failed)
    with _store(config, store) as engine, contextlib.suppress(KeyboardInterrupt):
        seen = queries.end(engine)
        show_some(queries.newest(engine, count, wanted), first=True)
        while follow:
            time.sleep(PAUSE)
            end = queries.end(engine)
            show_some(queries.stored_after(engine, seen, end, wanted), first=False)
            seen = end


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="As in the header x-earthward-id of the answer.")],
    config: Config = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Show everything that is on record of one exchange."""
    with _store(config, store) as engine:
        record = queries.exchange(engine, id)
    if record is None:
        fail(f"there is no exchange {printable(id)} in the ledger; one that is under way comes when it is over", NO)
    if json:
        print_json(plain(record))
        return
    console = _console()
    console.print(_fields(record))
    if record.attempts:
        console.print(_attempts(record))


@app.command()
def summary(
    hours: Annotated[int | None, typer.Option("--hours", min=1, help="Only the last hours, this one included.")] = None,
    config: Config = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Sum up what each target did on each arm. Arm errors are those a caller saw and those another target rescued."""
    now = int(time.time()) // 3600
    within = queries.ALWAYS if hours is None else range(now - hours + 1, now + 1)
    with _store(config, store) as engine:
        summaries = queries.summaries(engine, within)
    if json:
        print_json(summaries)
    else:
        console = _console()
        console.print(_summaries(summaries, console.width))


@app.command()
def availability(
    objective: Annotated[
        str | None,
        typer.Option(help="What is to be answered of all that is asked; by default as configured, else 99.5%."),
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, help="Of how many days.")] = 30,
    config: Config = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Hold what was answered against an objective, by route and target, and tell the error budget that is left.

    What callers got wrong or gave up does not count; what another target rescued counts as answered. Status 1: a budget
    is overspent, 3: nothing was asked.
    """
    from earthward.cli.ledger_availability import objective_of, stated_in, table
    from earthward.ledger.availability import USUAL, availabilities

    share = USUAL if objective is None else objective_of(objective)
    stated = stated_in(config, store) if objective is None else {}
    with _store(config, store) as engine:
        found = availabilities(queries.outcomes(engine, time.time_ns() - days * 86_400_000_000_000), share, stated)
    if json:
        print_json(found)
    elif found:
        _console().print(table(found, days))
    if not found:
        fail(f"nothing was asked in the last {days} days", NOT_ENOUGH_EVIDENCE)
    raise typer.Exit(DONE if all(it.is_kept for it in found) else NO)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to.")],
    form: Annotated[str | None, typer.Option("--format", help="csv, jsonl or parquet; or as FILE is named.")] = None,
    since: Annotated[str | None, typer.Option(help="The first day, UTC: 2026-03-01.")] = None,
    until: Annotated[str | None, typer.Option(help="The day behind the last one, UTC.")] = None,
    config: Config = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Write exchanges to a file, one row for each, with the names of `ledger show --json`."""
    from earthward.cli import ledger_export

    chosen = form or file.suffix.removeprefix(".").lower()
    if chosen not in ("csv", "jsonl", "parquet"):
        fail(f"--format takes csv, jsonl or parquet; not {chosen!r}")
    first, end = ledger_export.day(since, "--since"), ledger_export.day(until, "--until")
    with _store(config, store) as engine, _counter(quiet=json) as told:
        count = ledger_export.write(engine, file, cast("ledger_export.Form", chosen), first, end, told)
    if json:
        print_json({"file": str(file), "format": chosen, "exchanges": count})
    else:
        print(f"{count:,} exchanges in {file}")


@app.command()
def reconcile(
    bills: Annotated[list[Path], typer.Argument(help="A vendor's export of usage or costs.")],
    config: Config = None,
    store: Store = None,
    json: Json = False,
) -> None:
    """Hold a vendor's bill against the ledger, by day and model, and tell why they differ. Status 1: they do."""
    from earthward.assess.source import Unreadable
    from earthward.cli import ledger_reconcile
    from earthward.ledger.reconcile import reconcile as compare

    with _store(config, store) as engine:
        try:
            bill, readings, foreign = ledger_reconcile.bill_of(bills)
        except Unreadable as error:
            fail(str(error))
        if not bill:
            fail("nothing on that bill is usage", NOT_ENOUGH_EVIDENCE)
        found = compare(bill, ledger_reconcile.ledger_side(engine, {day for day, _ in bill}))
    if json:
        print_json({"differences": found, "files": readings, "other_currencies": foreign})
    else:
        ledger_reconcile.show(found, readings, foreign)
    raise typer.Exit(DONE if all(it.agrees for it in found) else NO)


@contextlib.contextmanager
def _counter(*, quiet: bool) -> Iterator[Callable[[int], object]]:
    if quiet or not sys.stderr.isatty():
        yield lambda count: None
        return
    with Console(stderr=True).status("writing") as status:
        yield lambda count: status.update(f"{count:,} exchanges written")


@contextlib.contextmanager
def _store(config: Path | None, store: str | None) -> Iterator[Engine]:
    try:
        engine = open_store(location(config, store, STATE).store, make=False)
    except (ConfigErrors, StoreUnusable) as problem:
        fail(f"{problem}; name the configuration with -c or the store with --store")
    except SQLAlchemyError as error:
        fail(f"the store can't be read: {getattr(error, 'orig', None) or error}")
    try:
        yield engine
    finally:
        engine.dispose()


# ── what is printed ──


def printable(text: object) -> str:
    """Callers choose names of models and paths, so nothing of theirs may steer the terminal."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in str(text))


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)


def _cell(text: object, style: str = "") -> Text:
    return Text(printable(text), style)


def _print_json_lines(records: list[Record], *, first: bool) -> None:
    for record in records:
        print(msgspec.json.encode(plain(record)).decode(), flush=True)


def _print_table(records: list[Record], *, first: bool) -> None:
    if not records and not first:
        return
    console = _console()
    table = Table(show_header=first, box=None, pad_edge=False)
    columns = kept(TAIL, LESSER, console.width)
    for name in columns:
        table.add_column(name, width=TAIL[name], no_wrap=True, justify="right" if name in FIGURES else "left")
    for record in records:
        cells = _row(record)
        table.add_row(*(cells[name] for name in columns))
    console.print(table)


def _row(record: Record) -> dict[str, Text]:
    cells = [
        _cell(when(record.accepted_at)),
        _cell(record.id),
        _cell(record.status, STYLES[record.status]),
        _cell(record.requested_model),
        _cell(record.arm),
        _cell(record.target or "-"),
        _cell(seconds(record.first_content)),
        _cell(seconds(record.duration or None)),
        *map(_cell, _tokens(record.usage)),
        _cell(dollars(record.cost)),
    ]
    return dict(zip(TAIL, cells, strict=True))


def kept(widths: Mapping[str, int], lesser: Sequence[str], room: int) -> list[str]:
    """The columns that there is room for. A figure that is cut off would look like another one, so the lesser ones are
    left out whole, in their order."""
    columns = list(widths)
    for name in lesser:
        if _taken(widths, columns) > room:
            columns.remove(name)
    return columns


def _taken(widths: Mapping[str, int], columns: Iterable[str]) -> int:
    return sum(widths[name] + len(GAP) for name in columns) - len(GAP)


def _tokens(usage: Usage) -> list[object]:
    return [count.tokens if count.is_known else "?" for count in (usage.input, usage.output)]


def _fields(record: Record) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in plain(record).items():
        if name not in ("attempts", "usage") and value not in ("", None, ()):
            table.add_row(name.replace("_", " "), _cell(_worded(name, value)))
    told = plain(record)["usage"]
    for name in COUNTS:
        count = told[name]
        tokens = "unknown" if count["tokens"] is None else f"{count['tokens']} ({count['source']})"
        table.add_row(f"{name.replace('_', ' ')} tokens", _cell(tokens))
    if record.cost is None:
        table.add_row("cost", _cell("unknown"))
    return table


def _worded(name: str, value: object) -> object:
    match name, value:
        case "accepted_at", int(nanoseconds):
            return datetime.fromtimestamp(nanoseconds / 1e9).astimezone().isoformat(" ", "milliseconds")
        case (("queued" | "first_content" | "duration"), int(nanoseconds)):
            return seconds(nanoseconds or None)
        case "cost", int(nano):
            return dollars(nano)
        case "share", int(share):
            return f"{share / 100:g} %"
        case "dropped", tuple(names):
            return ", ".join(names)
    return value


def _attempts(record: Record) -> Table:
    table = Table("attempt", "target", "endpoint", "why", box=None, pad_edge=False)
    for name in ("after", "took", "status", "in", "out", "cost"):
        table.add_column(name, justify="right")
    table.add_column("failure")
    for number, attempt in enumerate(record.attempts, 1):
        after = seconds(attempt.started_at - record.accepted_at)
        times = (after, seconds(attempt.duration), attempt.status or "-")
        failure = " ".join(filter(None, (attempt.failure, attempt.message)))
        cells = (number, attempt.target, attempt.endpoint, attempt.why, *times, *_tokens(attempt.usage))
        table.add_row(*map(_cell, (*cells, dollars(attempt.cost), failure)))
    return table


def _summaries(summaries: list[Summary], room: int) -> Table:
    rows = [_sums(row) for row in summaries]
    cells = {name: max((len(row[name]) for row in rows), default=0) for name in SUMS}
    widths = {name: max(cells[name], len(name)) for name in SUMS}
    if _taken(widths, SUMS) > room:
        widths = {name: max(cells[name], *map(len, name.split())) for name in SUMS}
    columns = kept(widths, LESSER_SUMS, room)
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="left" if name in ("arm", "target") else "right", width=widths[name])
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in columns))
    return table


def _sums(row: Summary) -> dict[str, str]:
    speed = "-" if row.tokens_per_second is None else f"{row.tokens_per_second:.1f}"
    times = (seconds(row.ttft_p50), seconds(row.ttft_p95), speed)
    counts = (row.requests, row.errors, row.rescued, row.arm_errors)
    cells = (row.arm, row.target or "-", *counts, *times, row.input_tokens, row.output_tokens)
    return dict(zip(SUMS, map(str, (*cells, dollars(row.cost), row.unknown_costs)), strict=True))


def when(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9).strftime("%m-%d %H:%M:%S")


def seconds(nanoseconds: int | None) -> str:
    return "-" if nanoseconds is None else f"{nanoseconds / 1e9:.3f} s"


def dollars(nano: int | None) -> str:
    """Six places show a single token of most models."""
    return "?" if nano is None else f"${nano / 1e9:.6f}"
