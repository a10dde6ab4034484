"""The one form that every format is brought into, as SQL expressions over the columns of the file. All columns of a
file are read as text, so that what is no number is found and counted, and not guessed at."""

from collections.abc import Callable
from typing import Any

import msgspec

from earthward.assess.source import Source

COLUMNS = {
    "ts": "TIMESTAMP",
    "model": "VARCHAR",
    "app": "VARCHAR",
    "task": "VARCHAR",
    "requests": "BIGINT",
    "input": "BIGINT",
    "cached": "BIGINT",
    "cache_written": "BIGINT",
    "for_an_hour": "BIGINT",
    "output": "BIGINT",
    "billed": "DECIMAL(38,12)",
    "currency": "VARCHAR",
    "duration": "BIGINT",
    "batch": "BOOLEAN",
    "needs": "VARCHAR",
    "id": "UBIGINT",
}
"""`input` includes `cached` and `cache_written`, and that `for_an_hour`, which is dearer; `billed` is what the vendor
asked for in `currency`; `duration` is in milliseconds; `needs` is a word for what a text model can't do (images,
audio, embeddings); `id` a hash of the id."""

COUNTS = ("requests", "input", "cached", "cache_written", "output")
DEFAULTS = {"requests": "1", "batch": "false"}


class Mapping(msgspec.Struct, frozen=True):
    """`columns` by name in `COLUMNS`; what is left out is NULL, or its default. `numbers` and `times` are the columns
    of the file that must be numbers and a time where they are not empty, `texts` those that must not be empty. `where`
    keeps the rows that are usage. `relation` has its own way to the rows, `{source}` in it standing for the file.
    `is_summed`: a row stands for many requests."""

    columns: dict[str, str]
    numbers: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    where: str = "true"
    relation: str = "{source}"
    json: tuple[str, ...] = ()
    is_summed: bool = False


class Format(msgspec.Struct, frozen=True):
    """`matches` looks at the columns and first rows, `mapping` says how to read it. `required` columns name the format
    even where one of them is missing: a file that has all but one is told which."""

    name: str
    title: str
    required: tuple[str, ...]
    mapping: Callable[[Source], Mapping]
    matches: Callable[[Source], bool] | None = None

    def is_of(self, source: Source) -> bool:
        if self.matches is not None:
            return self.matches(source)
        return source.kind != "sqlite" and source.has(*self.required)

    def missing(self, source: Source) -> tuple[str, ...]:
        return tuple(column for column in self.required if column not in source.columns)


def quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def literal(text: str) -> str:
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def number(column: str | None) -> str:
    return "NULL" if column is None else f"try_cast({quoted(column)} AS BIGINT)"


def text(column: str | None) -> str:
    return "NULL" if column is None else f"nullif({quoted(column)}, '')"


def money(column: str | None) -> str:
    return "NULL" if column is None else f"try_cast({quoted(column)} AS DECIMAL(38,12))"


def truth(column: str | None) -> str:
    return "NULL" if column is None else f"lower({quoted(column)}) IN ('true', '1', 't', 'yes')"


def time(expression: str, sample: Any) -> str:
    """A UTC time. Numbers are seconds, milliseconds, microseconds or nanoseconds since 1970, by their size in the
    first row; times with an offset are moved by it, those without are in the time zone that was set."""
    if _is_number(sample):
        unit = _unit(float(sample))
        # A double holds microseconds of this century exactly, and is read twice as fast as a decimal.
        return f"make_timestamp(try_cast(try_cast({expression} AS DOUBLE) * {unit} AS BIGINT))"
    return (
        f"CASE WHEN zoned OR contains(substr({expression}, 11), '+') OR contains(substr({expression}, 11), '-') "
        f"THEN timezone('UTC', try_cast({expression} AS TIMESTAMPTZ)) ELSE try_cast({expression} AS TIMESTAMP) END"
    )


def when(column: str | None, source: Source) -> str:
    return "NULL" if column is None else time(quoted(column), source.sample(column))


def milliseconds(begin: str, end: str) -> str:
    return f"date_diff('millisecond', {begin}, {end})"


def _is_number(sample: Any) -> bool:
    if isinstance(sample, int | float) and not isinstance(sample, bool):
        return True
    try:
        float(sample)
    except (TypeError, ValueError):
        return False
    return True


def _unit(size: float) -> str:
    """What makes microseconds of it."""
    for limit, unit in ((1e11, "1000000"), (1e14, "1000"), (1e17, "1")):
        if size < limit:
            return unit
    return "0.001"


def identity(expression: str) -> str:
    """A hash of an id; NULL where there is none, so that rows without one are not taken for each other."""
    return f"CASE WHEN {expression} IS NULL OR {expression} = '' THEN NULL ELSE hash({expression}) END"


def total(*expressions: str) -> str:
    """A sum in which what is not there counts as none, but which is NULL where all of it is."""
    known = [expression for expression in expressions if expression != "NULL"]
    if len(known) < 2:
        return known[0] if known else "NULL"
    parts = " + ".join(f"coalesce({expression}, 0)" for expression in known)
    return f"CASE WHEN coalesce({', '.join(known)}) IS NULL THEN NULL ELSE {parts} END"
