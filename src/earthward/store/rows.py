"""A record as the values of the columns `tables.RECORD`, in the order of its fields, and back. Usage takes six."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import msgspec
from msgspec.structs import astuple

from earthward.chat.usage import COUNTS, Source
from earthward.ledger.record import Attempt, Record

_FIELDS = {name: place for place, name in enumerate(Record.__struct_fields__)}
_USAGE = _FIELDS["usage"]
# Five counts, and one word for their sources.
_BEHIND_USAGE = _USAGE + 6
_BEFORE_STREAM, _AFTER_STREAM = slice(0, _FIELDS["stream"]), slice(_FIELDS["stream"] + 1, _FIELDS["attempts"])
_BEFORE_USAGE = slice(_FIELDS["attempts"] + 1, _USAGE)
_AFTER_USAGE = slice(_USAGE + 1, -1)
UNKNOWN = Source.UNKNOWN
_SOURCES = {source.value[0]: source.value for source in Source}
_LETTERS = {five: "".join([source.value[0] for source in five]) for five in product(Source, repeat=len(COUNTS))}

_to_json = msgspec.json.Encoder().encode
_of_json = msgspec.json.Decoder(list[Any]).decode
_attempts = msgspec.json.Decoder(tuple[Attempt, ...]).decode

BOOKED = (
    *("accepted_at", "status", "path", "requested_model", "app", "team", "data_class", "route", "arm", "stage"),
    *("target", "attempts", "characters_in", "characters_out"),
)
"""The columns that matter to the books: a third of all, and none that is dear to read."""


def row_of(record: Record) -> tuple[Any, ...]:
    """The values of `RECORD`, in their order."""
    # Cut out of the whole by places: to name 38 fields is as dear as all else here.
    values = astuple(record)
    into, out, cached, written, reasoning, _ = astuple(record.usage)
    return (
        *values[_BEFORE_STREAM],
        1 if record.stream else 0,
        *values[_AFTER_STREAM],
        _to_json(record.attempts).decode() if record.attempts else "[]",
        *values[_BEFORE_USAGE],
        None if into.source is UNKNOWN else into.tokens,
        None if out.source is UNKNOWN else out.tokens,
        None if cached.source is UNKNOWN else cached.tokens,
        None if written.source is UNKNOWN else written.tokens,
        None if reasoning.source is UNKNOWN else reasoning.tokens,
        _LETTERS[into.source, out.source, cached.source, written.source, reasoning.source],
        *values[_AFTER_USAGE],
        _to_json(record.dropped).decode() if record.dropped else "[]",
    )


def record_of(row: Sequence[Any]) -> Record:
    """The record that `row`, the values of `RECORD`, was made of."""
    tokens, sources = row[_USAGE : _BEHIND_USAGE - 1], row[_BEHIND_USAGE - 1]
    usage = [(count or 0, _SOURCES[source]) for count, source in zip(tokens, sources, strict=True)]
    values = [*row[:_USAGE], usage, *row[_BEHIND_USAGE:]]
    values[_FIELDS["stream"]] = bool(values[_FIELDS["stream"]])
    for name in ("attempts", "dropped"):
        values[_FIELDS[name]] = _of_json(values[_FIELDS[name]])
    return msgspec.convert(values, Record)


def booked_of(row: Sequence[Any]) -> Record:
    """As much of a record as `BOOKED` tells; all else is at its default."""
    accepted_at, status, path, requested_model, app, team, data_class, route, arm, stage, target, *others = row
    attempts, characters_in, characters_out = others
    return Record(
        "",
        accepted_at,
        status,
        path=path,
        requested_model=requested_model,
        app=app,
        team=team,
        data_class=data_class,
        route=route,
        arm=arm,
        stage=stage,
        target=target,
        attempts=_attempts(attempts),
        characters_in=characters_in,
        characters_out=characters_out,
    )
