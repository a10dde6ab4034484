"""Calls of functions and their responses, both ways. Arguments and responses are objects here, and JSON text or text
in the vocabulary."""

from typing import Any

import msgspec

from earthward.chat import Document, Image, Text, ToolCall, ToolResult
from earthward.dialects.gemini.media import WireBlob, WireFile, read_blob, read_file, write_media
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.json_limits import NOT_JSON

_ENCODE = msgspec.json.Encoder().encode
_WRAPPERS = ("output", "result")
"""Members that hold a function's whole output, if they stand alone; Google's own word is the first."""


class WireCall(msgspec.Struct):
    name: str
    id: str | None = None
    args: dict[str, Any] | None = None


class WireResponsePart(msgspec.Struct, rename="camel"):
    inline_data: WireBlob | None = None
    file_data: WireFile | None = None


class WireResponse(msgspec.Struct):
    name: str
    id: str | None = None
    response: dict[str, Any] | None = None
    parts: list[WireResponsePart] | None = None


def read_call(wire: WireCall, invented_id: str) -> ToolCall:
    """`invented_id` is for the many calls that have none."""
    return ToolCall(wire.id or invented_id, wire.name, _ENCODE(wire.args or {}).decode())


def wire_call(call: ToolCall) -> dict[str, Any]:
    """What a model wrote amiss stays in the conversation, or the conversation could never go on."""
    args = None if call.custom else object_in(call.arguments)
    return {"id": call.id, "name": call.name, "args": {"input": call.arguments} if args is None else args}


def object_in(arguments: str) -> Any:
    """The object that the text spells, of nothing at all the empty one; None if it spells none."""
    if not arguments.strip():
        return {}
    try:
        return arguments_object(arguments)
    except NOT_JSON:
        return None


def arguments_object(text: str) -> Any:
    found = msgspec.json.decode(text)
    if not isinstance(found, dict):
        raise msgspec.ValidationError("not an object")
    # As the model wrote it: decoding and encoding again would change its numbers.
    return msgspec.Raw(text.encode())


def read_response(wire: WireResponse, call_id: str, where: str) -> ToolResult:
    text, is_error = _read_output(wire.response or {})
    media = [_read_part(part, f"{where}.parts[{place}]") for place, part in enumerate(wire.parts or ())]
    content = (*([Text(text)] if text else []), *media)
    return ToolResult(call_id, content, wire.name, is_error)


def wire_response(result: ToolResult, name: str) -> dict[str, Any]:
    text = "".join(_text(part) for part in result.content if not _is_media(part))
    wire: dict[str, Any] = {"id": result.call_id, "name": name, "response": _output(text, result.is_error)}
    media = [write_media(part) for part in result.content if isinstance(part, Image | Document) and _is_media(part)]
    return {**wire, "parts": media} if media else wire


def _read_output(response: dict[str, Any]) -> tuple[str, bool]:
    match [*response.items()]:
        case []:
            return "", False
        case [("error", str(text))]:
            return text, True
        case [("error", _)]:
            return _ENCODE(response["error"]).decode(), True
        case [(name, str(text))] if name in _WRAPPERS:
            return text, False
    return _ENCODE(response).decode(), False


def _output(text: str, is_error: bool) -> dict[str, Any]:
    if is_error:
        return {"error": text}
    try:
        found = msgspec.json.decode(text)
    except NOT_JSON:
        return {_WRAPPERS[0]: text}
    # An object is shown to the model as one, unless it would read back as something else.
    reads_back = isinstance(found, dict) and found and not (len(found) == 1 and {*found} & {"error", *_WRAPPERS})
    return found if reads_back else {_WRAPPERS[0]: text}


def _read_part(wire: WireResponsePart, where: str) -> Image | Document:
    part = None
    if wire.inline_data is not None:
        part = read_blob(wire.inline_data, where)
    elif wire.file_data is not None:
        part = read_file(wire.file_data, where)
    if not isinstance(part, Image | Document):
        raise Inexpressible("a function's response can hold images and documents only", where)
    return part


def _is_media(part: Text | Image | Document) -> bool:
    return isinstance(part, Image) or (isinstance(part, Document) and part.text is None)


def _text(part: Text | Image | Document) -> str:
    if isinstance(part, Document):
        return f"{part.name}\n\n{part.text}" if part.name else part.text or ""
    return part.text if isinstance(part, Text) else ""
