"""`earthward ledger export`: exchanges as CSV, JSON lines or Parquet."""

import csv
import json
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any, Literal

import typer
from sqlalchemy import Engine, select

from earthward.cli.output import fail
from earthward.store.tables import RECORD, exchanges

Form = Literal["csv", "jsonl", "parquet"]

BATCH = 5_000
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the start of a cell."""
COLUMNS = [column.name for column in RECORD]


def write(engine: Engine, path: Path, form: Form, since: date | None, until: date | None, told: Any) -> int:
    """How many exchanges were written. The file is whole, or not there."""
    if form == "parquet":
        return _parquet(engine, path, since, until, told)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("x", newline="", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)
            count = _write_rows(file, form, _rows(engine, since, until), told)
        partial.replace(path)
    except OSError as error:
        fail(f"{path} can't be written: {error.strerror}")
    finally:
        partial.unlink(missing_ok=True)
    return count


def _write_rows(file: IO[str], form: Form, rows: Iterator[tuple[Any, ...]], told: Any) -> int:
    count = 0
    writer = csv.writer(file)
    if form == "csv":
        writer.writerow(COLUMNS)
    for row in rows:
        if form == "csv":
            writer.writerow([_cell(value) for value in row])
        else:
            file.write(json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) + "\n")
        count += 1
        if count % BATCH == 0:
            told(count)
    return count


def _cell(value: Any) -> Any:
    """Callers choose names, and a spreadsheet would run a name that begins as a formula does."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _parquet(engine: Engine, path: Path, since: date | None, until: date | None, told: Any) -> int:
    import duckdb

    with tempfile.TemporaryDirectory(prefix="earthward-export-") as folder:
        lines = Path(folder) / "rows"
        count = write(engine, lines, "jsonl", since, until, told)
        types = ", ".join(f"'{column.name}': '{_kind(column)}'" for column in RECORD)
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        source = f"read_json('{lines}', format = 'newline_delimited', columns = {{{types}}})"
        try:
            duckdb.execute(f"COPY (SELECT * FROM {source}) TO '{_quoted(partial)}' (FORMAT parquet)")  # noqa: S608  our own names
            partial.chmod(0o600)
            partial.replace(path)
        except (duckdb.Error, OSError) as error:
            fail(f"{path} can't be written: {str(error).splitlines()[0]}")
        finally:
            partial.unlink(missing_ok=True)
    return count


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _kind(column: Any) -> str:
    return "BIGINT" if column.type.python_type is int else "VARCHAR"


def _rows(engine: Engine, since: date | None, until: date | None) -> Iterator[tuple[Any, ...]]:
    """In the order they were stored, a batch at a time, so that no writer waits for a long reader."""
    after = 0
    while True:
        query = select(exchanges.c.number, *RECORD).where(exchanges.c.number > after)
        if since is not None:
            query = query.where(exchanges.c.accepted_at >= _nanoseconds(since))
        if until is not None:
            query = query.where(exchanges.c.accepted_at < _nanoseconds(until))
        with engine.connect() as connection:
            rows = connection.execute(query.order_by(exchanges.c.number).limit(BATCH)).all()
        for row in rows:
            yield tuple(row[1:])
        if len(rows) < BATCH:
            return
        after = rows[-1][0]


def _nanoseconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 10**9


def day(text: str | None, option: str) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{option} takes a day, as 2026-03-01; not {text!r}") from None
