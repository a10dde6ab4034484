"""The messages of a request read into the vocabulary.

Parts of an assistant's message come out in the order reasoning, content, calls. Results are linked to their calls by
id, or by the tool's name in the order of the calls, as clients that know no ids have it (ollama-python). A call
without an id is given one.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from earthward.chat import FailureKind, Image, Message, Part, Reasoning, Role, Text, ToolCall, ToolResult
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.ollama.calls import WireCall, WireFunction, read_call
from earthward.dialects.ollama.images import media_type, standard_base64, without_data_url
from earthward.dialects.unread import Shape, shape_of

_ROLES = {role.value: role for role in Role}


class WireMessage(msgspec.Struct):
    role: str
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[WireCall] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None
    # The name of a tool, before there was `tool_name`.
    name: str | None = None


_KNOWN = frozenset(WireMessage.__struct_fields__)
MESSAGE = Shape(
    None, {"tool_calls": shape_of(WireCall, function=shape_of(WireFunction, more=("index",)), more=("type",))}
)
"""Members of a message itself ride along."""


def read_messages(wires: list[WireMessage], raws: Iterable[dict[str, Any]]) -> tuple[Message, ...]:
    """`raws` are the same messages with all their fields. Raises Inexpressible."""
    open_calls: list[ToolCall] = []
    messages = []
    for place, (wire, raw) in enumerate(zip(wires, raws, strict=True)):
        message = _message(wire, place, open_calls, {name: raw[name] for name in raw if name not in _KNOWN})
        open_calls += [part for part in message.parts if isinstance(part, ToolCall)]
        messages.append(message)
    return tuple(messages)


def read_images(images: list[str] | None) -> list[Image]:
    return [_image(data) for data in images or ()]


def _message(wire: WireMessage, place: int, open_calls: list[ToolCall], rest: dict[str, Any]) -> Message:
    role = _ROLES.get(wire.role.lower())
    if role is None:
        known = ", ".join(_ROLES)
        where = f"messages[{place}].role"
        raise Inexpressible(f"unknown role {wire.role!r}; known are {known}", where, FailureKind.BAD_REQUEST)
    said: list[Text | Image] = [*([Text(wire.content)] if wire.content else []), *read_images(wire.images)]
    if role is Role.TOOL:
        return Message(role, (_result(wire, place, tuple(said), open_calls),), rest=rest)
    reasoning = [Reasoning(wire.thinking)] if wire.thinking else []
    calls = [read_call(call, f"call_{place}_{number}") for number, call in enumerate(wire.tool_calls or ())]
    parts: list[Part] = [*reasoning, *said, *calls]
    return Message(role, tuple(parts), wire.name, rest)


def _result(wire: WireMessage, place: int, content: tuple[Text | Image, ...], open_calls: list[ToolCall]) -> ToolResult:
    name = wire.tool_name or wire.name
    call = _call_of(wire.tool_call_id, name, open_calls)
    if call is not None:
        open_calls.remove(call)
    call_id = wire.tool_call_id or (call.id if call is not None else f"call_of_{name or place}")
    return ToolResult(call_id, content, name or (call.name if call is not None else None))


def _call_of(id: str | None, name: str | None, open_calls: list[ToolCall]) -> ToolCall | None:
    """The call that is answered, the first of those still open; without id and name, the first of all."""
    if id is not None:
        return next((call for call in open_calls if call.id == id), None)
    return next((call for call in open_calls if name is None or call.name == name), None)


def _image(data: str) -> Image:
    bare = standard_base64(without_data_url(data))
    return Image(media_type(bare), bare)
