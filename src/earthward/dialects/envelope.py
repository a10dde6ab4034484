"""The top level of a JSON request, each field still as the bytes it came in.

What is sent on is written again from this, never copied from what the client sent: of a key given twice only the
last is left, so it cannot mean one thing to us and another upstream. That holds for the top level alone. Inside a
field's raw value a key may still stand twice: whoever decides by what stands deeper asks `says_twice`. Knows no
dialect.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects.json_limits import LIMITS, NOT_JSON, JsonLimits, excess, is_utf8

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER = msgspec.json.Encoder()


class Envelope(msgspec.Struct, frozen=True, gc=False):
    fields: dict[str, msgspec.Raw]

    def get(self, name: str) -> Any:
        """The field's value, decoded; None if it is absent or not decodable (a number out of range)."""
        raw = self.fields.get(name)
        if raw is None:
            return None
        try:
            return msgspec.json.decode(raw)
        except NOT_JSON:
            return None

    def get_str(self, name: str) -> str | None:
        """None also if it is something else than a string; likewise below."""
        value = self.get(name)
        return value if isinstance(value, str) else None

    def get_bool(self, name: str) -> bool | None:
        value = self.get(name)
        return value if isinstance(value, bool) else None

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        raw = self.fields.get(name)
        return raw is not None and bytes(raw) != b"null"

    def with_fields(self, **changes: Any) -> "Envelope":
        """A copy with these fields set; values may be raw."""
        return Envelope({**self.fields, **{name: as_raw(value) for name, value in changes.items()}})

    def without(self, *names: str) -> "Envelope":
        return Envelope({name: raw for name, raw in self.fields.items() if name not in names})

    def encode(self) -> bytes:
        return _ENCODER.encode(self.fields)


def read(body: bytes, limits: JsonLimits = LIMITS) -> Envelope | Failure:
    """The envelope of a request body, or what is wrong with it as JSON."""
    too_much = excess(body, limits)
    if too_much is not None:
        return _bad_request(f"the request body has {too_much}")
    if not (body.isascii() or is_utf8(body)):
        return _bad_request("the request body is not valid UTF-8")
    try:
        return Envelope(_FIELDS.decode(body))
    except msgspec.ValidationError:
        return _bad_request("the request body must be a JSON object")
    except NOT_JSON as error:
        return _bad_request(f"the request body is not valid JSON: {error}")


def as_raw(value: Any) -> msgspec.Raw:
    return value if isinstance(value, msgspec.Raw) else msgspec.Raw(_ENCODER.encode(value))


def says_twice(value: msgspec.Raw) -> bool:
    """Whether an object in it has a key twice: it may mean one thing to us and another upstream.

    True also of what can't be looked through, such as a number of more digits than Python takes.
    """
    found = False

    def look(pairs: list[tuple[str, None]]) -> None:
        nonlocal found
        found = found or len(dict(pairs)) < len(pairs)

    try:
        json.loads(bytes(value), object_pairs_hook=look)
    except (ValueError, RecursionError):
        return True
    return found


def merged(raw: msgspec.Raw | None, changes: Mapping[str, Any]) -> msgspec.Raw | None:
    """An object's raw value with these members set; of absent or null, a new object. None if it is no object."""
    try:
        members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw] | None) if raw is not None else None
    except NOT_JSON:
        return None
    return msgspec.Raw(_ENCODER.encode({**(members or {}), **{name: as_raw(value) for name, value in changes.items()}}))


def _bad_request(message: str) -> Failure:
    return Failure(FailureKind.BAD_REQUEST, message)
