"""Conversations of which the earlier turns were kept: requests made whole again, and answers taken apart for keeping.

A turn is kept as it was on the wire, so that whoever answers the next one, of whatever dialect, reads what was said.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from earthward.dialects import sse
from earthward.dialects.envelope import Envelope
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.openai_responses.ids import OURS

PREFIX = f"resp{OURS}"
"""Of the ids of responses that are kept here; any other was made, and may be kept, by OpenAI."""
MOST_ITEMS = 100
_TERMINAL = (b"response.completed", b"response.incomplete")
_ENCRYPTED = "reasoning.encrypted_content"
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODE = msgspec.json.Encoder().encode

Items = list[dict[str, Any]]


class Turn(msgspec.Struct, frozen=True, array_like=True):
    """`root` keeps a conversation on one side; `input` is a JSON array of items, `response` the answer's object."""

    root: bytes
    input: bytes
    response: bytes


def is_kept_here(id: str) -> bool:
    return id.startswith(PREFIX)


def input_of(envelope: Envelope) -> bytes:
    """The request's own input as an array of items. Empty where it is not in the form of this dialect."""
    given = envelope.get("input")
    if isinstance(given, str):
        given = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": given}]}]
    return _ENCODE(given if isinstance(given, list) else [])


def continued(envelope: Envelope, turns: Sequence[Turn]) -> Envelope:
    """The request with all of its conversation, for a target that keeps nothing.

    Ids were the provider's or ours, and mean nothing to the next; thoughts are left out unless they are sealed.
    """
    items = [_again(item) for turn in turns for item in (*_items(turn.input), *_output(turn.response))]
    whole = [item for item in items if item is not None] + _items(input_of(envelope))
    return envelope.without("previous_response_id").with_fields(input=whole if turns else envelope.get("input"))


def unkept(envelope: Envelope) -> Envelope:
    """Whoever is asked keeps nothing, and so has to seal what it thought for the next turn to have it."""
    include = envelope.get("include")
    included = list(include) if isinstance(include, list) else []
    if envelope.has("reasoning") and _ENCRYPTED not in included:
        return envelope.with_fields(store=False, include=[*included, _ENCRYPTED])
    return envelope.with_fields(store=False)


class Named(msgspec.Struct, frozen=True):
    """What a kept response says of itself, whoever made it."""

    id: str
    previous: str | None
    stored: bool = True

    def renamed(self, response: bytes | msgspec.Raw) -> bytes:
        fields = _FIELDS.decode(response)
        for name, value in (("id", self.id), ("previous_response_id", self.previous), ("store", self.stored)):
            fields[name] = msgspec.Raw(_ENCODE(value))
        return _ENCODE(fields)

    def in_events(self, data: bytes) -> bytes:
        """Whole events, of which some tell the response. What can't be read is left as it is."""
        if b'"response"' not in data:
            return data
        return b"\n\n".join(map(self._in_event, data.split(b"\n\n")))

    def _in_event(self, block: bytes) -> bytes:
        payload = sse.data_of(block)
        try:
            fields = _FIELDS.decode(payload) if payload is not None else {}
            if "response" not in fields:
                return block
            fields["response"] = msgspec.Raw(self.renamed(fields["response"]))
        except NOT_JSON:
            return block
        others = [line for line in block.split(b"\n") if not line.startswith(b"data")]
        return b"\n".join([*others, b"data: " + _ENCODE(fields)])


def last_response(data: bytes) -> bytes | None:
    """The response's object in the event that ended a stream."""
    for block in reversed(data.split(b"\n\n")):
        if any(mark in block for mark in _TERMINAL) and (payload := sse.data_of(block)) is not None:
            try:
                return bytes(_FIELDS.decode(payload)["response"])
            except (*NOT_JSON, KeyError):
                return None
    return None


def write_deleted(id: str) -> bytes:
    return _ENCODE({"id": id, "object": "response", "deleted": True})


def write_input_items(id: str, turn: Turn, limit: int, descending: bool, after: str | None) -> bytes:
    """A page of what the request for this response said. Items without an id get one, the same each time."""
    items = [_with_id(item, id, place) for place, item in enumerate(_items(turn.input))]
    ordered = items[::-1] if descending else items
    places = [place for place, item in enumerate(ordered) if item["id"] == after]
    rest = ordered[places[0] + 1 :] if places else ordered
    page = rest[:limit]
    return _ENCODE(
        {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": len(rest) > len(page),
        }
    )


def _with_id(item: dict[str, Any], id: str, place: int) -> dict[str, Any]:
    kind = item.get("type") or "message"
    filled = {"type": kind, "id": f"in{OURS}{id.removeprefix(PREFIX)}_{place}", **item}
    if kind == "message" and isinstance(item.get("content"), str):
        filled["content"] = [{"type": "input_text", "text": item["content"]}]
    return {"status": "completed", **filled} if kind == "message" else filled


def _items(raw: bytes) -> Items:
    return [item for item in msgspec.json.decode(raw) if isinstance(item, dict)]


def _output(response: bytes) -> Iterable[dict[str, Any]]:
    output = msgspec.json.decode(response).get("output")
    return [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []


def _again(item: dict[str, Any]) -> dict[str, Any] | None:
    if item.get("type") == "reasoning" and not item.get("encrypted_content"):
        return None
    return {name: value for name, value in item.items() if name not in ("id", "status")}
