"""The messages of a request read into the vocabulary.

Parts of an assistant's message come out in the order reasoning, content, refusal, calls. Legacy `function_call`s and
their results have no ids on the wire; they are given some.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from earthward.chat import (
    Audio,
    Document,
    FailureKind,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
    cited,
)
from earthward.dialects.files import read_file
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.inline import inline, standard_base64
from earthward.dialects.openai_chat.annotations import read_annotations
from earthward.dialects.openai_chat.calls import WireCall, WireCustom, WireFunction, arguments_text, read_call
from earthward.dialects.unread import Shape, shape_of

_ROLES = {role.value: role for role in Role if role is not Role.TOOL}


class _ImageUrl(msgspec.Struct):
    url: str
    detail: str | None = None


class _InputAudio(msgspec.Struct):
    data: str
    format: str


class _File(msgspec.Struct):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class WirePart(msgspec.Struct):
    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: _ImageUrl | str | None = None
    input_audio: _InputAudio | None = None
    file: _File | None = None


class WireMessage(msgspec.Struct):
    role: str
    content: str | list[WirePart] | None = None
    name: str | None = None
    tool_call_id: str | None = None
    tool_calls: list[WireCall] | None = None
    function_call: WireFunction | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    annotations: Any = None


class _PlainPart(WirePart, forbid_unknown_fields=True):
    """A text without fields that there is no word for."""

    image_url: None = None
    input_audio: None = None
    file: None = None


class PlainMessage(WireMessage, forbid_unknown_fields=True):
    """One without fields that there is no word for, and of text alone."""

    content: str | list[_PlainPart] | None = None  # type: ignore[assignment]
    tool_calls: None = None
    function_call: None = None


_KNOWN = frozenset(WireMessage.__struct_fields__)
MESSAGE = Shape(
    None,
    {
        "content": shape_of(
            WirePart, image_url=shape_of(_ImageUrl), input_audio=shape_of(_InputAudio), file=shape_of(_File)
        ),
        "tool_calls": shape_of(WireCall, function=shape_of(WireFunction), custom=shape_of(WireCustom), more=("index",)),
        "function_call": shape_of(WireFunction),
    },
)
"""Members of a message itself ride along."""
_NO_REST: dict[str, Any] = {}


def read_messages(wires: Sequence[WireMessage], raws: Sequence[dict[str, Any]] | None = None) -> tuple[Message, ...]:
    """`raws` are the same messages with all their fields, where they have others. Raises Inexpressible."""
    messages = []
    function_ids: dict[str, str] = {}
    for place, wire in enumerate(wires):
        if wire.function_call is not None:
            function_ids[wire.function_call.name] = f"function_{place}"
        rest = _NO_REST if raws is None else {name: it for name, it in raws[place].items() if name not in _KNOWN}
        messages.append(_said(wire, rest) or _message(wire, place, function_ids, rest))
    return tuple(messages)


def _said(wire: WireMessage, rest: dict[str, Any]) -> Message | None:
    """Most are a text and nothing else; None for all others."""
    text, role = wire.content, _ROLES.get(wire.role)
    if role is None or type(text) is not str or not text:
        return None
    if wire.tool_calls or wire.name or wire.refusal or wire.reasoning or wire.reasoning_content or wire.function_call:
        return None
    if wire.annotations:
        return None
    return Message(role, (Text(text),), wire.name, rest)


def _message(wire: WireMessage, place: int, function_ids: dict[str, str], rest: dict[str, Any]) -> Message:
    where = f"messages[{place}]"
    if wire.role == "tool":
        if wire.tool_call_id is None:
            raise Inexpressible("a `tool` message needs a `tool_call_id`", where, FailureKind.BAD_REQUEST)
        return Message(Role.TOOL, (_result(wire, wire.tool_call_id, where),), rest=rest)
    if wire.role == "function":
        call_id = function_ids.get(wire.name or "", f"function_{wire.name}")
        return Message(Role.TOOL, (_result(wire, call_id, where),), rest=rest)
    if wire.role not in _ROLES:
        known = ", ".join([*_ROLES, "tool", "function"])
        raise Inexpressible(f"unknown role {wire.role!r}; known are {known}", f"{where}.role", FailureKind.BAD_REQUEST)
    parts = [*_reasoning(wire), *_content(wire.content, where), *_refusal(wire), *_calls(wire, place)]
    if wire.annotations:
        parts = list(cited(parts, read_annotations(wire.annotations)))
    return Message(_ROLES[wire.role], tuple(parts), wire.name, rest)


def _result(wire: WireMessage, call_id: str, where: str) -> ToolResult:
    parts = _content(wire.content, where)
    content = tuple(part for part in parts if isinstance(part, Text | Image | Document))
    if len(content) != len(parts):
        raise Inexpressible("a tool's result can hold text, images and files only", where)
    return ToolResult(call_id, content, wire.name)


def _reasoning(wire: WireMessage) -> list[Reasoning]:
    text = wire.reasoning_content or wire.reasoning
    return [Reasoning(text)] if text else []


def _refusal(wire: WireMessage) -> list[Refusal]:
    return [Refusal(wire.refusal)] if wire.refusal else []


def _calls(wire: WireMessage, place: int) -> list[ToolCall]:
    try:
        calls = [read_call(call, f"call_{place}_{number}") for number, call in enumerate(wire.tool_calls or ())]
    except ValueError as error:
        raise Inexpressible(str(error), f"messages[{place}].tool_calls") from error
    if wire.function_call is not None:
        function = wire.function_call
        calls.append(ToolCall(f"function_{place}", function.name, arguments_text(function.arguments)))
    return calls


def _content(content: str | list[WirePart] | None, where: str) -> list[Part]:
    if isinstance(content, list):
        parts = [_part(part, f"{where}.content[{place}]") for place, part in enumerate(content)]
        return [part for part in parts if part != Text("")]
    return [Text(content)] if content else []


def _part(wire: WirePart, where: str) -> Part:
    match wire:
        case WirePart(type="text", text=str(text)):
            return Text(text)
        case WirePart(type="refusal", refusal=str(refusal)):
            return Refusal(refusal)
        case WirePart(type="image_url", image_url=str(url)):
            return _image(url, None)
        case WirePart(type="image_url", image_url=_ImageUrl(url, detail)):
            return _image(url, detail)
        case WirePart(type="input_audio", input_audio=_InputAudio(data, format)):
            return Audio(format, standard_base64(data))
        case WirePart(type="file", file=_File() as file):
            return _document(file, where)
    known = "text, refusal, image_url, input_audio, file"
    raise Inexpressible(f"a content part of type {wire.type!r} that is unknown or empty; known are {known}", where)


def _image(url: str, detail: str | None) -> Image:
    found = inline(url)
    return Image(*found, detail=detail) if found else Image(url=url, detail=detail)


def _document(file: _File, where: str) -> Document:
    if file.file_id is not None:
        return Document(file_id=file.file_id, name=file.filename)
    if file.file_data is None:
        raise Inexpressible("a file needs `file_data` or `file_id`", where, FailureKind.BAD_REQUEST)
    return read_file(file.file_data, file.filename, f"{where}.file.file_data")
