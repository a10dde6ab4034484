"""What kind of file it is, by what is in it: its name is not looked at. Reads no more than its beginning."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any, Literal

import msgspec

BEGINNING = 256 * 1024
LINES = 50
DELIMITERS = ",;\t|"
LARGEST_OBJECT = 512 * 1024 * 1024
"""Bytes of one JSON value that is read as a whole."""

Kind = Literal["csv", "lines", "array", "object", "parquet", "sqlite"]


class Unreadable(Exception):
    """A file that can't be assessed. The message has the file, the line and column where they are known, and what to
    do."""


class Source(msgspec.Struct, frozen=True):
    """`columns` are those of its head, or the keys of its first objects; `rows` what stands in the first of them, as
    text, or as JSON values where it is JSON."""

    path: Path
    kind: Kind
    columns: tuple[str, ...] = ()
    rows: tuple[dict[str, Any], ...] = ()
    delimiter: str = ","
    is_gzip: bool = False

    def has(self, *columns: str) -> bool:
        return all(column in self.columns for column in columns)

    def first_of(self, *columns: str) -> str | None:
        """The first of these columns that it has."""
        return next((column for column in columns if column in self.columns), None)

    def sample(self, column: str) -> Any:
        """The first value there that is not empty."""
        return next((row[column] for row in self.rows if row.get(column) not in (None, "")), None)


def look(path: Path) -> Source:
    """Raises Unreadable."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
            is_gzip = start[:2] == b"\x1f\x8b"
            file.seek(0)
            beginning = _unzipped(path) if is_gzip else file.read(BEGINNING)
    except (OSError, EOFError) as error:
        raise Unreadable(f"{path}: can't be read: {getattr(error, 'strerror', None) or error}") from error
    if start.startswith(b"PAR1"):
        return Source(path, "parquet")
    if start.startswith(b"SQLite format 3\0"):
        return Source(path, "sqlite")
    return _text(path, beginning, is_gzip)


def _unzipped(path: Path) -> bytes:
    with gzip.open(path) as file:
        return file.read(BEGINNING)


def _text(path: Path, beginning: bytes, is_gzip: bool) -> Source:
    if not beginning.strip():
        raise Unreadable(f"{path}: is empty")
    if beginning[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Unreadable(f"{path}: is UTF-16; save it as UTF-8")
    if b"\0" in beginning:
        raise Unreadable(f"{path}: is neither CSV, JSON, Parquet nor a ledger")
    text = beginning.decode("utf-8-sig", "replace")
    first = text.lstrip()[0]
    if first in "[{":
        return _json(path, text, first, is_gzip)
    return _csv(path, text, is_gzip)


def _json(path: Path, text: str, first: str, is_gzip: bool) -> Source:
    if first == "[":
        objects = list(_objects_of_array(text))
        return Source(path, "array", _keys(objects), tuple(objects), is_gzip=is_gzip)
    lines = [line for line in text.splitlines()[:LINES] if line.strip()]
    found = [value for line in lines if isinstance(value := _parsed(line), dict)]
    # Of one value over many lines, some line may be a value too; of lines of their own, most are.
    if len(lines) > 1 and 2 * len(found) >= len(lines):
        return Source(path, "lines", _keys(found), tuple(found), is_gzip=is_gzip)
    return _whole(path, is_gzip)


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _whole(path: Path, is_gzip: bool) -> Source:
    """One JSON value over many lines, or in a line too long to look at its beginning only."""
    if path.stat().st_size > LARGEST_OBJECT:
        raise Unreadable(f"{path}: is one JSON value of more than {LARGEST_OBJECT >> 20} MiB; write a line for each")
    value = whole(path, is_gzip)
    if not isinstance(value, dict):
        raise Unreadable(f"{path}: is JSON, but holds no objects")
    return Source(path, "object", _keys([value]), (value,), is_gzip=is_gzip)


def whole(path: Path, is_gzip: bool) -> Any:
    """The JSON value that a file is. Raises Unreadable, with line and column."""
    try:
        data = gzip.decompress(path.read_bytes()) if is_gzip else path.read_bytes()
        return json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise Unreadable(f"{path}:{error.lineno}:{error.colno}: is no JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path}: is no JSON that can be read: {error}") from error


def _objects_of_array(text: str) -> Any:
    decoder, at = json.JSONDecoder(), text.index("[") + 1
    for _ in range(LINES):
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        if isinstance(value, dict):
            yield value


def _keys(objects: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for found in objects for key in found))


def _csv(path: Path, text: str, is_gzip: bool) -> Source:
    lines = text.splitlines()
    head = lines[0]
    delimiter = max(DELIMITERS, key=head.count)
    # The last line may be cut off.
    try:
        rows = list(csv.reader(lines[:LINES], delimiter=delimiter, strict=False))
    except csv.Error as error:
        raise Unreadable(f"{path}:1: is no CSV: {error}") from error
    columns = tuple(name.strip() for name in rows[0])
    if len(columns) < 2 or len(set(columns)) < len(columns) or not all(columns):
        twice = next((name for name in columns if columns.count(name) > 1), None)
        what = f"has the column {twice!r} twice" if twice else "has no line of column names at its head"
        raise Unreadable(f"{path}:1: {what}")
    whole = rows[1:-1] if len(lines) > LINES or len(text) >= BEGINNING else rows[1:]
    found = tuple(dict(zip(columns, row, strict=False)) for row in whole)
    return Source(path, "csv", columns, found, delimiter, is_gzip)
