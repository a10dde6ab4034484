"""The input of a request read into the vocabulary.

What the assistant said and did stands in items of their own here, and becomes one message for each of its turns.
"""

from typing import Any

import msgspec

from earthward.chat import Document, FailureKind, Image, Message, Part, Role, Text, ToolCall, ToolResult
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.openai_responses.encrypted import read_encrypted
from earthward.dialects.openai_responses.media import WirePart, read_part
from earthward.dialects.unread import shape_of

_ROLES = {role.value: role for role in Role if role is not Role.TOOL}
_ELSEWHERE = {"item_reference": "an item that only OpenAI holds; send the item itself"}


class _Thought(msgspec.Struct):
    text: str = ""


class WireItem(msgspec.Struct):
    type: str = "message"
    role: str | None = None
    content: str | list[WirePart] | None = None
    call_id: str | None = None
    id: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    output: str | list[WirePart] | None = None
    summary: list[_Thought] | None = None
    encrypted_content: str | None = None


_PART = shape_of(WirePart)
ITEM = shape_of(
    WireItem, more=("status", "created_by"), content=_PART, output=_PART, summary=shape_of(_Thought, more=("type",))
)
"""An answer's items are sent back with their state, which was told to nobody."""


def read_input(wire: str | list[WireItem], earlier: tuple[Message, ...] = ()) -> tuple[Message, ...]:
    """`earlier` is the conversation that this goes on from. Raises Inexpressible."""
    if isinstance(wire, str):
        return (Message(Role.USER, (Text(wire),)),) if wire else ()
    names = {part.id: part.name for message in earlier for part in message.parts if isinstance(part, ToolCall)}
    messages: list[Message] = []
    for place, item in enumerate(wire):
        message = _message(item, f"input[{place}]", names)
        names.update((part.id, part.name) for part in message.parts if isinstance(part, ToolCall))
        _add(messages, message)
    return tuple(messages)


def _add(messages: list[Message], message: Message) -> None:
    last = messages[-1] if messages else None
    if last is not None and last.role is message.role is Role.ASSISTANT:
        messages[-1] = Message(Role.ASSISTANT, (*last.parts, *message.parts))
    else:
        messages.append(message)


def _message(wire: WireItem, where: str, names: dict[str, str]) -> Message:
    match wire:
        case WireItem(type="message", role=str(role)):
            if role not in _ROLES:
                message = f"unknown role {role!r}; known are {', '.join(_ROLES)}"
                raise Inexpressible(message, f"{where}.role", FailureKind.BAD_REQUEST)
            return Message(_ROLES[role], tuple(_content(wire.content, f"{where}.content")))
        case WireItem(type="function_call", name=str(name)):
            return _said(ToolCall(_call_id(wire, where), name, wire.arguments or ""))
        case WireItem(type="custom_tool_call", name=str(name)):
            return _said(ToolCall(_call_id(wire, where), name, wire.input or "", custom=True))
        case WireItem(type="function_call_output" | "custom_tool_call_output"):
            call_id = _call_id(wire, where)
            result = ToolResult(call_id, _output(wire.output, f"{where}.output"), wire.name or names.get(call_id))
            return Message(Role.TOOL, (result,))
        case WireItem(type="reasoning"):
            return Message(Role.ASSISTANT, tuple(_thoughts(wire)))
    if wire.type in _ELSEWHERE:
        raise Inexpressible(f"`{wire.type}` is {_ELSEWHERE[wire.type]}", where)
    known = "message, function_call, function_call_output, custom_tool_call, custom_tool_call_output, reasoning"
    raise Inexpressible(f"an item of type {wire.type!r} that is unknown or not whole; known are {known}", where)


def _said(part: Part) -> Message:
    return Message(Role.ASSISTANT, (part,))


def _call_id(wire: WireItem, where: str) -> str:
    if wire.call_id is None:
        raise Inexpressible(f"an item of type {wire.type} needs its `call_id`", where, FailureKind.BAD_REQUEST)
    return wire.call_id


def _content(content: str | list[WirePart] | None, where: str) -> list[Part]:
    if isinstance(content, list):
        parts = [read_part(part, f"{where}[{place}]") for place, part in enumerate(content)]
        return [part for part in parts if part != Text("")]
    return [Text(content)] if content else []


def _output(output: str | list[WirePart] | None, where: str) -> tuple[Text | Image | Document, ...]:
    parts = _content(output, where)
    content = tuple(part for part in parts if isinstance(part, Text | Image | Document))
    if len(content) != len(parts):
        raise Inexpressible("the output of a tool can hold text, images and files only", where)
    return content


def _thoughts(wire: WireItem) -> list[Any]:
    """The model's own words where they are there, else their summary."""
    content = wire.content if isinstance(wire.content, list) else []
    text = "".join(part.text or "" for part in content) or "\n\n".join(thought.text for thought in wire.summary or ())
    thought = read_encrypted(wire.encrypted_content, text)
    return [] if thought is None else [thought]
