"""The contents of a request read into the vocabulary.

Responses of functions, which stand in a user's turn here, become messages of their own; they are linked to their calls
by id, or by name in the order of the calls. A signature on a part that is no thought comes out as a piece of
reasoning before it, so that it can go back to where it stood.
"""

from typing import Any

import msgspec

from earthward.chat import FailureKind, Message, Part, Reasoning, Role, Text, ToolCall, ToolResult
from earthward.dialects.gemini.calls import WireCall, WireResponse, read_call, read_response
from earthward.dialects.gemini.media import WireBlob, WireFile, read_blob, read_file
from earthward.dialects.gemini.signatures import read_signature
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.unread import Shape, shape_of

_ROLES = {"user": Role.USER, "model": Role.ASSISTANT, "function": Role.USER, "": Role.USER}


class WirePart(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: WireBlob | None = None
    file_data: WireFile | None = None
    function_call: WireCall | None = None
    function_response: WireResponse | None = None


class WireContent(msgspec.Struct):
    parts: list[dict[str, Any]] | None = None
    role: str | None = None


_BLOB, _FILE = shape_of(WireBlob), shape_of(WireFile)
_RESPONSE = shape_of(WireResponse, parts=Shape(None, {"inlineData": _BLOB, "fileData": _FILE}))
_PART = shape_of(
    WirePart, inlineData=_BLOB, fileData=_FILE, functionCall=shape_of(WireCall), functionResponse=_RESPONSE
)
CONTENT = shape_of(WireContent, parts=_PART)
_SAYING = ("text", "inlineData", "fileData", "functionCall", "functionResponse")
_TUNING = frozenset({"mediaResolution", "videoMetadata", "partMetadata", "thought", "thoughtSignature"})


class _Links:
    """Which calls still wait for their responses."""

    def __init__(self) -> None:
        self.open: list[ToolCall] = []

    def call_of(self, wire: WireResponse) -> str:
        named = [call for call in self.open if (call.id == wire.id if wire.id else call.name == wire.name)]
        if named:
            self.open.remove(named[0])
            return named[0].id
        return wire.id or f"call_of_{wire.name}"


def read_system(content: WireContent | None) -> tuple[Message, ...]:
    """The system text as the message it is elsewhere; none if it is empty."""
    parts = tuple(_parts(content, "systemInstruction", 0, _Links())) if content is not None else ()
    if not all(isinstance(part, Text) for part in parts):
        raise Inexpressible("a system instruction can hold text only", "systemInstruction")
    return (Message(Role.SYSTEM, parts),) if parts else ()


def read_contents(contents: list[WireContent]) -> tuple[Message, ...]:
    """Raises Inexpressible."""
    links = _Links()
    messages: list[Message] = []
    for place, content in enumerate(contents):
        where = f"contents[{place}]"
        role = _ROLES.get((content.role or "").lower())
        if role is None:
            message = f"unknown role {content.role!r}; known are user, model"
            raise Inexpressible(message, f"{where}.role", FailureKind.BAD_REQUEST)
        messages += _separated(role, _parts(content, where, place, links))
    return tuple(messages)


def _separated(role: Role, parts: list[Part]) -> list[Message]:
    """Every result in a message of its own, and what stands around it in others, in the order they came in."""
    messages: list[Message] = []
    others: list[Part] = []
    for part in parts:
        if not isinstance(part, ToolResult):
            others.append(part)
            continue
        if others:
            messages.append(Message(role, tuple(others)))
            others = []
        messages.append(Message(Role.TOOL, (part,)))
    if others or not messages:
        messages.append(Message(role, tuple(others)))
    return messages


def _parts(content: WireContent, where: str, place: int, links: _Links) -> list[Part]:
    parts: list[Part] = []
    for number, raw in enumerate(content.parts or ()):
        here = f"{where}.parts[{number}]"
        _refuse_unknown(raw, here)
        wire = msgspec.convert(raw, WirePart)
        signature = read_signature(wire.thought_signature) if wire.thought_signature else None
        if wire.thought:
            parts.append(Reasoning(wire.text or "") if signature is None else _signed(signature, wire.text or ""))
            continue
        if signature is not None:
            parts.append(signature)
        part = _part(wire, here, f"call_{place}_{number}", links)
        if part is not None:
            parts.append(part)
    return parts


def _signed(signature: Reasoning, text: str) -> Reasoning:
    return msgspec.structs.replace(signature, text=text)


def _part(wire: WirePart, where: str, invented_id: str, links: _Links) -> Part | None:
    if wire.function_call is not None:
        call = read_call(wire.function_call, invented_id)
        links.open.append(call)
        return call
    if wire.function_response is not None:
        return read_response(wire.function_response, links.call_of(wire.function_response), f"{where}.functionResponse")
    if wire.inline_data is not None:
        return read_blob(wire.inline_data, f"{where}.inlineData")
    if wire.file_data is not None:
        return read_file(wire.file_data, f"{where}.fileData")
    return Text(wire.text) if wire.text else None


def _refuse_unknown(raw: dict[str, Any], where: str) -> None:
    """A part says one thing; what is not known carries content."""
    said = [name for name, value in raw.items() if name not in _TUNING and value is not None]
    unknown = [name for name in said if name not in _SAYING]
    if unknown:
        raise Inexpressible(f"a part of the kind {unknown[0]!r}; known are {', '.join(_SAYING)}", where)
    if len(said) > 1:
        raise Inexpressible(f"a part that is both {said[0]} and {said[1]}", where, FailureKind.BAD_REQUEST)
