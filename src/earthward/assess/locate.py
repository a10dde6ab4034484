"""Where in a file the first broken rows are: line and column, for a person to look at. Only called when some were
found, and only goes as far as it must."""

import csv
import gzip
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any

import msgspec

from earthward.assess.normal import Mapping
from earthward.assess.source import Source

MOST = 3
FARTHEST = 2_000_000
"""Rows that are looked through."""


class Place(msgspec.Struct, frozen=True):
    """`column` is a name; empty where it is the line as a whole."""

    line: int
    column: str
    message: str


def places(source: Source, mapping: Mapping) -> list[Place]:
    found = []
    for number, (line, row) in enumerate(_rows(source)):
        if number > FARTHEST:
            break
        place = row if isinstance(row, Place) else _wrong(row, line, mapping)
        if place is not None:
            found.append(place)
        if len(found) == MOST:
            break
    return found


def _rows(source: Source) -> Iterator[tuple[int, Any]]:
    how: dict[str, Any] = {"encoding": "utf-8-sig", "errors": "replace", "newline": ""}
    with gzip.open(source.path, "rt", **how) if source.is_gzip else source.path.open(**how) as file:
        if source.kind == "csv":
            yield from _csv_rows(file, source.delimiter)
        else:
            yield from _json_rows(file)


def _csv_rows(file: IO[str], delimiter: str) -> Iterator[tuple[int, Any]]:
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(file, delimiter=delimiter)
    head = [name.strip() for name in next(reader)]
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, Place(line, "", str(error))
            continue
        if len(row) == len(head):
            yield line, dict(zip(head, row, strict=True))


def _json_rows(file: IO[str]) -> Iterator[tuple[int, Any]]:
    for line, text in enumerate(file, 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except json.JSONDecodeError as error:
            yield line, Place(line, "", f"is no JSON: {error.msg} at column {error.colno}")
            continue
        except RecursionError:
            yield line, Place(line, "", "is no JSON that can be read: too deep")
            continue
        yield line, row if isinstance(row, dict) else Place(line, "", "is JSON, but no object")


def _wrong(row: dict[str, Any], line: int, mapping: Mapping) -> Place | None:
    for name in mapping.numbers:
        value = row.get(name)
        if value not in (None, "") and not _is_number(value):
            return Place(line, name, f"{_shown(value)} is no number")
        if value not in (None, "") and "token" in name.lower() and float(value) < 0:
            return Place(line, name, f"{_shown(value)} is below zero")
    for name in mapping.times:
        if not _is_time(row.get(name)):
            return Place(line, name, f"{_shown(row.get(name))} is no time")
    for name in mapping.texts:
        if row.get(name) in (None, ""):
            return Place(line, name, "is empty")
    return None


def _shown(value: Any) -> str:
    text = str(value)
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


def _is_time(value: Any) -> bool:
    if _is_number(value):
        return True
    try:
        datetime.fromisoformat(str(value).strip().removesuffix(" UTC"))
    except ValueError:
        return False
    return True
