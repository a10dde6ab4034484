"""The messages of a request, written as contents.

System text stands apart here. Messages of one role become one turn, responses of functions first, and the user begins.
What only another vendor's signature is worth is left out.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from earthward.chat import Audio, Document, Image, Message, Part, Reasoning, Refusal, Role, Text, ToolCall, ToolResult
from earthward.dialects.gemini.calls import wire_call, wire_response
from earthward.dialects.gemini.media import write_media
from earthward.dialects.gemini.signatures import UNCHECKED, googles
from earthward.dialects.inexpressible import Inexpressible

Wire = dict[str, Any]

SYSTEM_ROLES = frozenset({Role.SYSTEM, Role.DEVELOPER})
OPENING = {"role": "user", "parts": [{"text": "."}]}
"""What stands for a first turn of the user's where a conversation has none: it must not be empty."""


def write_system(messages: tuple[Message, ...]) -> Wire | None:
    """All system text of the conversation, wherever it stood."""
    parts = [part for message in messages if message.role in SYSTEM_ROLES for part in message.parts]
    texts = []
    for part in parts:
        if not isinstance(part, Text):
            raise Inexpressible("system messages can hold text only in a Gemini request", "messages")
        if part.text:
            texts.append({"text": part.text})
    return {"parts": texts} if texts else None


def write_contents(messages: tuple[Message, ...], signed_calls: bool) -> list[Wire]:
    """`signed_calls` is whether the model refuses calls that came without a signature. Raises Inexpressible."""
    turns = [{"role": role, "parts": _ordered(parts)} for role, parts in _turns(messages, signed_calls) if parts]
    return turns if turns and turns[0]["role"] == "user" else [OPENING, *turns]


def begins_with_user(messages: tuple[Message, ...]) -> bool:
    roles = (message.role for message in messages if message.role not in SYSTEM_ROLES)
    return next(roles, Role.ASSISTANT) is not Role.ASSISTANT


def _turns(messages: Iterable[Message], signed_calls: bool) -> Iterator[tuple[str, list[Wire]]]:
    names: dict[str, str] = {}
    role, parts = "user", list[Wire]()
    for message in messages:
        if message.role in SYSTEM_ROLES:
            continue
        names |= {part.id: part.name for part in message.parts if isinstance(part, ToolCall)}
        turn = "model" if message.role is Role.ASSISTANT else "user"
        written = written_parts(message.parts, names)
        if turn == "model" and signed_calls:
            written = _with_a_signature(written)
        if written and turn != role:
            yield role, parts
            role, parts = turn, []
        parts += written
    yield role, parts


def written_parts(parts: Iterable[Part], names: dict[str, str]) -> list[Wire]:
    """A signature goes to the part after it, or to an empty one at the end. `names` are of functions, by call id."""
    written: list[Wire] = []
    signature: str | None = None
    for part in parts:
        if isinstance(part, Reasoning):
            if part.text:
                written.append({"text": part.text, "thought": True})
            signature = googles(part.signature) or signature
            continue
        wire = _part(part, names)
        if wire is not None:
            written.append(wire if signature is None else {**wire, "thoughtSignature": signature})
            signature = None
    return written if signature is None else [*written, {"text": "", "thoughtSignature": signature}]


def _with_a_signature(parts: list[Wire]) -> list[Wire]:
    """The first of the calls in a turn has to have one."""
    place = next((place for place, part in enumerate(parts) if "functionCall" in part), None)
    if place is None or "thoughtSignature" in parts[place]:
        return parts
    return [*parts[:place], {**parts[place], "thoughtSignature": UNCHECKED}, *parts[place + 1 :]]


def _ordered(parts: list[Wire]) -> list[Wire]:
    return sorted(parts, key=lambda part: "functionResponse" not in part)


def _part(part: Part, names: dict[str, str]) -> Wire | None:
    match part:
        case Text(text) | Refusal(text):
            return {"text": text} if text else None
        case ToolCall(custom=True):
            raise Inexpressible("a call with free text cannot be sent to Google; offer a function", "messages")
        case ToolCall():
            return {"functionCall": wire_call(part)}
        case ToolResult():
            name = part.name or names.get(part.call_id) or part.call_id
            return {"functionResponse": wire_response(part, name)}
        case Document(text=str(text)):
            return {"text": f"{part.name}\n\n{text}" if part.name else text}
        case Image() | Document() | Audio():
            return write_media(part)
    message = f"{type(part).__name__.lower()} cannot be said in this place of a Gemini request; send it as text"
    raise Inexpressible(message, "messages")
