"""`earthward ledger reconcile`: a vendor's bill against the ledger."""

import re
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine, select

from earthward.assess.read import Reading, connect, read
from earthward.cost.price_book import rates_of
from earthward.ledger.reconcile import Difference, Side
from earthward.store import money as books
from earthward.store.tables import exchanges

NANO = 10**9
WIDE = 150
NEWEST = 100_000


def bill_of(paths: Sequence[Path]) -> tuple[dict[tuple[str, str], Side], list[Reading], dict[str, int]]:
    """By day and model, what was read, and rows in a currency that can't be compared. Raises assess.Unreadable."""
    with tempfile.TemporaryDirectory(prefix="earthward-bill-") as folder:
        connection = connect(folder)
        try:
            readings = [read(connection, path, number) for number, path in enumerate(paths)]
            return _sums(connection), readings, _foreign(connection)
        finally:
            connection.close()


def _sums(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], Side]:
    rows = connection.execute(
        "SELECT strftime(ts, '%Y-%m-%d'), model, sum(requests), sum(input), sum(output), "
        "sum(billed) FILTER (WHERE currency = 'usd') FROM usage GROUP BY 1, 2"
    ).fetchall()
    found: dict[tuple[str, str], Side] = {}
    for day, model, requests, into, out, billed in rows:
        key = (day, canonical(model))
        cost = None if billed is None else round(Decimal(billed) * NANO)
        found[key] = _both(found.get(key), Side(_count(requests), _count(into), _count(out), cost))
    return found


def _count(value: object) -> int | None:
    return None if value is None else int(str(value)) or None


def _foreign(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    query = (
        "SELECT coalesce(currency, 'an unknown currency'), count(*) FROM usage "
        "WHERE billed IS NOT NULL AND currency IS DISTINCT FROM 'usd' GROUP BY 1"
    )
    return dict(connection.execute(query).fetchall())


def ledger_side(engine: Engine, days: set[str]) -> dict[tuple[str, str], Side]:
    """Of the bill's days, what cloud targets served, retries, shadows and judges included."""
    models = _models(engine)
    found: dict[tuple[str, str], Side] = {}
    for row in books.sums_by(engine, ["start", "target"], grain="day", zone=["cloud", ""]):
        start, target = row.name
        day = datetime.fromtimestamp(start * 60, UTC).date().isoformat()
        sums = row.sums
        if day not in days or not target:
            continue
        # What never served anybody still sent a bill; its own name stands where its model's is not known.
        key = (day, canonical(models.get(target, target)))
        side = Side(sums.requests, sums.input_tokens, sums.output_tokens, sums.cost, sums.unknown_costs, sums.estimated)
        found[key] = _both(found.get(key), side)
    return found


def _models(engine: Engine) -> dict[str, str]:
    """What each target's model is called, by the newest exchanges: a ledger may be too long to look at all of it."""
    newest = select(exchanges.c.target, exchanges.c.model).order_by(exchanges.c.number.desc()).limit(NEWEST).subquery()
    with engine.connect() as connection:
        rows = connection.execute(select(newest.c.target, newest.c.model).distinct()).all()
    return {target: model for target, model in rows if target}


def canonical(model: str) -> str:
    """One name for a model, dated or not: as the public list has it."""
    found = rates_of(model)
    return found.model if found else re.sub(r"-\d{4}-?\d\d-?\d\d$", "", model)


def _both(one: Side | None, other: Side) -> Side:
    if one is None:
        return other
    names = ("requests", "input", "output", "cost")
    sums = {name: _sum(getattr(one, name), getattr(other, name)) for name in names}
    return Side(**sums, unknown=one.unknown + other.unknown, estimated=one.estimated + other.estimated)


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None and other is None else (one or 0) + (other or 0)


def show(found: Sequence[Difference], readings: Sequence[Reading], foreign: dict[str, int]) -> None:
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    table = Table("day", "model", box=None, pad_edge=False)
    for name in ("bill", "ledger", "difference"):
        table.add_column(name, justify="right")
    table.add_column("why", overflow="fold")
    for it in found:
        sides = [None if side is None else side.cost for side in (it.bill, it.ledger)]
        why = Text("agrees", "green") if it.agrees else Text("; ".join(it.why))
        name = "".join(letter if letter.isprintable() else "\ufffd" for letter in it.model)
        table.add_row(it.day, Text(name), *map(_dollars, sides), _dollars(it.cost), why)
    console.print(table)
    for reading in readings:
        for reason, count in reading.skipped.items():
            console.print(Text(f"mind: {reading.path}: {count:,} rows left out: {reason}", "yellow"))
    for currency, count in foreign.items():
        console.print(Text(f"mind: {count:,} rows are billed in {currency.upper()}, and not compared", "yellow"))


def _dollars(nano: int | None) -> str:
    return "-" if nano is None else f"{'-' if nano < 0 else ''}${abs(nano) / NANO:,.4f}"
