"""Reads files into one table in a DuckDB database of their own: the usage, and what of each file is none and why.

The database is a temporary file: memory stays small however large the files are.
"""

import re
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import msgspec

from earthward.assess.formats import format_of, plain
from earthward.assess.locate import Place, places
from earthward.assess.normal import COLUMNS, COUNTS, DEFAULTS, Mapping, literal, number, quoted
from earthward.assess.source import LARGEST_OBJECT, LINES, Source, Unreadable, look, whole

MEMORY = "1200MB"
OTHER = "is other than usage"
SQLITE_BATCH = 10_000
MOST_TOKENS = 10**13
"""In one row, were it a month of a large company: more would be a mistake that outweighs all else."""
FIRST, END = "TIMESTAMP '2000-01-01'", "TIMESTAMP '2100-01-01'"
"""Times before and behind are those of another unit, or of a date written as a number."""
TYPES = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())


class Reading(msgspec.Struct, frozen=True):
    """Of one file: how many of its rows are usage, and how many are not, by the reason; `examples` are places."""

    path: str
    format: str
    rows: int
    usage: int
    skipped: dict[str, int]
    examples: tuple[Place, ...]
    is_summed: bool


def connect(folder: str, threads: int | None = None, memory: str = MEMORY) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(f"{folder}/usage.duckdb")
    connection.execute(f"SET memory_limit = {literal(memory)}")
    connection.execute(f"SET temp_directory = {literal(folder)}")
    connection.execute("SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
    if threads:
        connection.execute(f"SET threads = {int(threads)}")
    connection.execute(f"CREATE TABLE usage ({TYPES}, bad VARCHAR, file SMALLINT)")
    return connection


def read(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    number: int,
    *,
    columns: dict[str, str] | None = None,
    zone: str | None = None,
    watch: Callable[[str], None] = lambda what: None,
) -> Reading:
    """Takes one file in. `columns` says which of its columns is what, `zone` where times without an offset belong.

    Raises Unreadable.
    """
    source = _complete(connection, look(path))
    if columns:
        _check(columns, source)
        mapping, title = plain.mapping_of(source, columns), "a table of usage, as stated"
    else:
        found = format_of(source)
        mapping, title = found.mapping(source), found.title
    watch(f"{path.name}: {title}")
    with tempfile.TemporaryDirectory(dir=_folder(connection)) as folder:
        relation, used = _relation(source, mapping, number, folder)
        connection.execute(f"SET TimeZone = {literal(zone or 'UTC')}")
        try:
            connection.execute(_insert(source, mapping, relation, used, number, zoned=zone not in (None, "UTC")))
        except duckdb.Error as error:
            if source.kind == "array" and path.stat().st_size <= LARGEST_OBJECT:
                whole(path, source.is_gzip)  # Tells the line and column, which DuckDB does not.
            raise Unreadable(_told(path, error)) from error
    return _reading(connection, source, mapping, title, number)


def _folder(connection: duckdb.DuckDBPyConnection) -> str:
    row = connection.execute("SELECT current_setting('temp_directory')").fetchone()
    return str(row[0]) if row else tempfile.gettempdir()


def _check(columns: dict[str, str], source: Source) -> None:
    wrong = [f"`{it}`" for it in columns.values() if it not in source.columns]
    if wrong:
        there = ", ".join(f"`{name}`" for name in source.columns)
        raise Unreadable(f"{source.path}:1: has no column {', '.join(wrong)}; it has {there}")
    lacking = [name for name in ("time", "model") if name not in columns]
    if lacking:
        raise Unreadable(f"--map: say which column is the {' and which the '.join(lacking)}")


# ── what DuckDB is told ──


def _complete(connection: duckdb.DuckDBPyConnection, source: Source) -> Source:
    """With the columns and first rows of files that only a database can open."""
    if source.kind == "parquet":
        try:
            cursor = connection.execute(f"SELECT * FROM read_parquet({literal(str(source.path))}) LIMIT {LINES}")
            names = [column[0] for column in cursor.description or ()]
            rows = tuple(dict(zip(names, map(_as_text, row), strict=True)) for row in cursor.fetchall())
        except duckdb.Error as error:
            raise Unreadable(_told(source.path, error)) from error
        return msgspec.structs.replace(source, columns=tuple(names), rows=rows)
    if source.kind == "sqlite":
        columns, _ = _sqlite(source.path, 0)
        return msgspec.structs.replace(source, columns=columns)
    lower = [name.lower() for name in source.columns]
    twice = next((name for name in source.columns if lower.count(name.lower()) > 1), None)
    if twice is not None:
        raise Unreadable(f"{source.path}:1: has the column {twice!r} twice, but for the case of its letters")
    return source


def _as_text(value: object) -> object:
    return value if value is None or isinstance(value, int | float) else str(value)


def _relation(source: Source, mapping: Mapping, number: int, folder: str) -> tuple[str, list[str]]:
    """The rows as SQL, and which of the columns are used."""
    said = " ".join((*mapping.columns.values(), mapping.where, mapping.relation, *mapping.numbers, *mapping.times))
    used = [name for name in source.columns if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said)]
    path = str(source.path)
    if source.kind == "sqlite":
        _, path = _sqlite(source.path, None, folder, used)
        source = msgspec.structs.replace(source, columns=tuple(used), delimiter=",")
    zipped = ", compression = 'gzip'" if source.is_gzip else ""
    match source.kind:
        case "csv" | "sqlite":
            types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in source.columns)
            text = (
                f"read_csv({literal(path)}, header = true, auto_detect = false, delim = {literal(source.delimiter)}, "
                f"quote = '\"', escape = '\"', columns = {{{types}}}, store_rejects = true, "
                f"rejects_table = 'rejects_{number}', rejects_scan = 'scans_{number}'{zipped})"
            )
        case "parquet":
            casts = ", ".join(f"CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}" for name in used)
            text = f"(SELECT {casts} FROM read_parquet({literal(path)}))"
        case kind:
            form = {"lines": "newline_delimited", "array": "array", "object": "unstructured"}[kind]
            kinds = (f"{literal(it)}: '{'JSON' if it in mapping.json else 'VARCHAR'}'" for it in used)
            text = (
                f"read_json({literal(path)}, format = '{form}', columns = {{{', '.join(kinds)}}}, "
                f"ignore_errors = {'true' if kind == 'lines' else 'false'}, "
                f"maximum_object_size = {LARGEST_OBJECT if kind == 'object' else 64 * 1024 * 1024}{zipped})"
            )
    return mapping.relation.replace("{source}", text), used


def _insert(source: Source, mapping: Mapping, relation: str, used: list[str], number: int, *, zoned: bool) -> str:
    values = {name: mapping.columns.get(name, DEFAULTS.get(name, "NULL")) for name in COLUMNS}
    fields = ", ".join(f"({values[name]})::{kind} AS {name}" for name, kind in COLUMNS.items())
    text = f"INSERT INTO usage SELECT {fields}, {_bad(source, mapping, used)} AS bad, {number} AS file FROM {relation}"
    return text.replace("CASE WHEN zoned OR", f"CASE WHEN {'true' if zoned else 'false'} OR")


def _bad(source: Source, mapping: Mapping, used: list[str]) -> str:
    """Why a row is not usage, or NULL if it is."""
    cases = []
    if source.kind == "lines" and used:
        cases.append(
            (f"coalesce({', '.join(f'{quoted(name)}::VARCHAR' for name in used)}) IS NULL", "is no JSON object")
            if mapping.relation == "{source}"
            else ("false", "")
        )
    cases.append((f"({mapping.where}) IS NOT true", OTHER))
    cases += _bad_numbers(mapping) if mapping.relation == "{source}" else []
    cases += _bad_counts(mapping)
    ts, times = mapping.columns["ts"], ", ".join(mapping.times) or "time"
    cases.append((f"({ts}) IS NULL", f"has no time in `{times}`"))
    cases.append((f"({ts}) < {FIRST} OR ({ts}) >= {END}", f"has a time that can't be in `{times}`"))
    cases.append((f"({mapping.columns['model']}) IS NULL", "names no model"))
    whens = " ".join(f"WHEN {condition} THEN {literal(reason)}" for condition, reason in cases if reason)
    return f"CASE {whens} END"


def _bad_numbers(mapping: Mapping) -> list[tuple[str, str]]:
    cases = []
    counts = {mapping.columns.get(name) for name in COUNTS}
    for name in mapping.numbers:
        column = quoted(name)
        # As it stands among the columns, so that it is worked out once.
        casts = [f"try_cast({column} AS {kind})" for kind in ("BIGINT", "DECIMAL(38,12)", "DOUBLE")]
        cast = next((it for it in casts if any(it in said for said in mapping.columns.values())), casts[-1])
        cases.append((f"{column} IS NOT NULL AND {column} <> '' AND {cast} IS NULL", f"has no number in `{name}`"))
        if "token" in name.lower() or "request" in name.lower() or number(name) in counts:
            cases.append((f"{cast} < 0", f"has a number below zero in `{name}`"))
            cases.append((f"{cast} > {MOST_TOKENS}", f"has a number that can't be in `{name}`"))
    return cases


def _bad_counts(mapping: Mapping) -> list[tuple[str, str]]:
    """Of those that are no column of the file as it is."""
    seen = {number(name) for name in mapping.numbers} if mapping.relation == "{source}" else set()
    said = {name: mapping.columns[name] for name in COUNTS if name in mapping.columns}
    worked_out = {name: it for name, it in said.items() if it not in seen and it != "NULL" and not it.isdigit()}
    return [
        (f"({it}) < 0 OR ({it}) > {MOST_TOKENS}", f"has a count of `{name}` that can't be")
        for name, it in worked_out.items()
    ]


def _sqlite(
    path: Path, rows: int | None, folder: str = "", columns: list[str] | None = None
) -> tuple[tuple[str, ...], str]:
    """The columns of a ledger's table; its rows as a CSV file in that folder, unless none are wanted."""
    import csv

    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            names = tuple(row[1] for row in database.execute("PRAGMA table_info(exchanges)"))
            if not names:
                raise Unreadable(f"{path}: is an SQLite database, but no ledger")
            if rows == 0:
                return names, ""
            chosen = columns or list(names)
            file = f"{folder}/ledger.csv"
            cursor = database.execute(f"SELECT {', '.join(map(quoted, chosen))} FROM exchanges")
            with Path(file).open("w", newline="") as out:
                writer = csv.writer(out)
                writer.writerow(chosen)
                while found := cursor.fetchmany(SQLITE_BATCH):
                    writer.writerows(found)
            return names, file
    except sqlite3.Error as error:
        raise Unreadable(f"{path}: can't be read: {error}") from error


# ── what came of it ──


def _reading(
    connection: duckdb.DuckDBPyConnection, source: Source, mapping: Mapping, title: str, number: int
) -> Reading:
    counts = connection.execute("SELECT bad, count(*) FROM usage WHERE file = ? GROUP BY bad", [number]).fetchall()
    skipped = {reason: count for reason, count in counts if reason is not None}
    usage = sum(count for reason, count in counts if reason is None)
    rejected = _rejected(connection, number) if source.kind in ("csv", "sqlite") else []
    if rejected:
        skipped["is a broken line"] = len({line for line, *_ in rejected})
    broken = {reason for reason in skipped if reason != OTHER}
    examples: list[Place] = [Place(line, column, f"{kind}: {text}") for line, column, kind, text in rejected[:3]]
    if broken - {"is a broken line"} and source.kind in ("csv", "lines"):
        examples += places(source, mapping)
    connection.execute("DELETE FROM usage WHERE file = ? AND bad IS NOT NULL", [number] if skipped else [-1])
    rows = usage + sum(skipped.values())
    return Reading(str(source.path), title, rows, usage, skipped, tuple(examples), mapping.is_summed)


def _rejected(connection: duckdb.DuckDBPyConnection, number: int) -> list[tuple[int, str, str, str]]:
    query = (
        "SELECT line, coalesce(column_name, ''), lower(error_type::VARCHAR), split_part(error_message, chr(10), 1) "
        f"FROM rejects_{number} ORDER BY line LIMIT 1000000"
    )
    try:
        return connection.execute(query).fetchall()
    except duckdb.CatalogException:
        return []


def _told(path: Path, error: duckdb.Error) -> str:
    """The first line of what DuckDB says, which has line and column, without its advice on its own options."""
    text = str(error).strip()
    place = re.search(r"line (\d+)|Line: (\d+)", text)
    line = f":{place[1] or place[2]}" if place else ""
    first = text.splitlines()[0] if text else type(error).__name__
    return f"{path}{line}: can't be read: {first[:300]}"


def columns_of(text: str) -> dict[str, str]:
    """From `time=when,model=name`. Raises ValueError."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    known = plain.NAMES
    for name, equals, column in pairs:
        if not equals or not column.strip() or name.strip() not in known:
            raise ValueError(f"takes NAME=COLUMN pairs, where NAME is one of {', '.join(known)}; not {name!r}")
    return {name.strip(): column.strip() for name, _, column in pairs}


def same_twice(paths: list[Path]) -> Path | None:
    """A file that was given twice, under whatever name: nothing would tell its rows from more of the same."""
    seen: set[tuple[int, bytes]] = set()
    for path in paths:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(1 << 16)
            file.seek(max(0, size - (1 << 16)))
            key = (size, head + file.read())
        if key in seen:
            return path
        seen.add(key)
    return None
