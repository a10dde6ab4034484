"""The messages of a request read into the vocabulary.

Results of tools, which stand in a user's message here, become messages of their own. Thinking without a signature is
one that a gateway or a local server passed on. Blocks that the vendor's own tools left behind carry content nobody
else can read, and are a failure.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from earthward.chat import (
    Document,
    FailureKind,
    Image,
    Message,
    Part,
    Reasoning,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from earthward.dialects.anthropic_messages.calls import read_call
from earthward.dialects.anthropic_messages.citations import read_citations, wants_citations
from earthward.dialects.files import document
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.unread import Shape, shape_of

_ROLES = {role.value: role for role in (Role.USER, Role.ASSISTANT, Role.SYSTEM)}


class _Source(msgspec.Struct):
    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    content: "str | list[WireBlock] | None" = None


class WireBlock(msgspec.Struct):
    type: str
    text: str | None = None
    source: _Source | str | None = None
    title: str | None = None
    context: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, Any] | None = None
    tool_use_id: str | None = None
    content: "str | list[WireBlock] | dict[str, Any] | None" = None
    is_error: bool | None = None
    citations: Any = None


class WireMessage(msgspec.Struct):
    role: str
    content: str | list[WireBlock]


class PlainBlock(WireBlock, forbid_unknown_fields=True):
    """One without fields that there is no word for, and without others inside."""

    source: None = None
    content: str | None = None


class PlainMessage(WireMessage, forbid_unknown_fields=True):
    """One without fields that there is no word for."""

    content: str | list[PlainBlock]  # type: ignore[assignment]


_KNOWN = frozenset(WireMessage.__struct_fields__)
_SOURCE = shape_of(_Source)
BLOCK = shape_of(WireBlock, source=_SOURCE)
_INSIDE = Shape(BLOCK.known and BLOCK.known - {"citations"}, {"source": _SOURCE})
"""Of what stands inside a file or a result only the text is kept, and not what it rests on."""
for _holder in (_SOURCE, BLOCK, _INSIDE):
    _holder.inner["content"] = _INSIDE
_NO_REST: dict[str, Any] = {}


def read_system(content: str | list[WireBlock] | None) -> tuple[Message, ...]:
    """The system text as the message it is elsewhere; none if it is empty."""
    parts = _content(content or "", "system", {})
    return (Message(Role.SYSTEM, tuple(parts)),) if parts else ()


def read_messages(wires: Sequence[WireMessage], raws: Sequence[dict[str, Any]] | None = None) -> tuple[Message, ...]:
    """`raws` are the same messages with all their fields, where they have others. Raises Inexpressible."""
    messages: list[Message] = []
    names: dict[str, str] = {}
    for place, wire in enumerate(wires):
        rest = _NO_REST if raws is None else {name: it for name, it in raws[place].items() if name not in _KNOWN}
        if type(wire.content) is str and wire.content and wire.role in _ROLES:
            messages.append(Message(_ROLES[wire.role], (Text(wire.content),), rest=rest))
            continue
        where = f"messages[{place}]"
        if wire.role not in _ROLES:
            known = ", ".join(_ROLES)
            raise Inexpressible(
                f"unknown role {wire.role!r}; known are {known}", f"{where}.role", FailureKind.BAD_REQUEST
            )
        parts = _content(wire.content, where, names)
        names.update((part.id, part.name) for part in parts if isinstance(part, ToolCall))
        messages += _separated(_ROLES[wire.role], parts, rest)
    return tuple(messages)


def _separated(role: Role, parts: list[Part], rest: dict[str, Any]) -> list[Message]:
    """Every result in a message of its own, and what stands around it in others, in the order they came in."""
    messages: list[Message] = []
    others: list[Part] = []
    for part in parts:
        if not isinstance(part, ToolResult):
            others.append(part)
            continue
        if others:
            messages.append(Message(role, tuple(others), rest=rest))
            others = []
        messages.append(Message(Role.TOOL, (part,), rest=rest))
    if others or not messages:
        messages.append(Message(role, tuple(others), rest=rest))
    return messages


def _content(content: str | list[WireBlock], where: str, names: dict[str, str]) -> list[Part]:
    if isinstance(content, str):
        return [Text(content)] if content else []
    parts: list[Part] = []
    for place, block in enumerate(content):
        parts += _parts(block, f"{where}.content[{place}]", names)
    return [part for part in parts if part != Text("")]


def _parts(wire: WireBlock, where: str, names: dict[str, str]) -> list[Part]:
    match wire:
        case WireBlock(type="text", text=str(text)):
            return [Text(text, read_citations(wire.citations, 0, len(text)))]
        case WireBlock(type="image", source=_Source() as source):
            return [_image(source, where)]
        case WireBlock(type="document", source=_Source() as source):
            # What is said about the document is told to the model like the document itself.
            told = [Text(wire.context)] if wire.context else []
            return [*told, _cited(_document(source, wire.title, where), wire)]
        case WireBlock(type="search_result", source=str(source), content=list(content)):
            found = Document("text/plain", text=f"{source}\n\n{_text(content, where)}", name=wire.title)
            return [_cited(found, wire)]
        case WireBlock(type="thinking", thinking=str(thinking)):
            return [Reasoning(thinking, wire.signature or None)]
        case WireBlock(type="redacted_thinking", data=str(data)):
            return [Reasoning("", data, redacted=True)]
        case WireBlock(type="tool_use", id=str(id), name=str(name)):
            return [read_call(id, name, wire.input)]
        case WireBlock(type="tool_result", tool_use_id=str(call_id)):
            return [_result(wire, call_id, where, names)]
    known = "text, image, document, search_result, thinking, redacted_thinking, tool_use, tool_result"
    raise Inexpressible(f"a block of type {wire.type!r} that is unknown or not whole; known are {known}", where)


def _cited(document: Document, wire: WireBlock) -> Document:
    return msgspec.structs.replace(document, cited=True) if wants_citations(wire.citations) else document


def _result(wire: WireBlock, call_id: str, where: str, names: dict[str, str]) -> ToolResult:
    if isinstance(wire.content, dict):
        raise Inexpressible("the `content` of a result must be a string or blocks", where, FailureKind.BAD_REQUEST)
    parts = _content(wire.content or "", where, {})
    content = tuple(part for part in parts if isinstance(part, Text | Image | Document))
    if len(content) != len(parts):
        raise Inexpressible("a tool's result can hold text, images and documents only", where)
    return ToolResult(call_id, content, names.get(call_id), bool(wire.is_error))


def _image(source: _Source, where: str) -> Image:
    match source:
        case _Source(type="base64", data=str(data)):
            return Image(source.media_type, data)
        case _Source(type="url", url=str(url)):
            return Image(url=url)
        case _Source(type="file", file_id=str(file_id)):
            return Image(file_id=file_id)
    raise Inexpressible(f"an image source of type {source.type!r}; known are base64, url, file", where)


def _document(source: _Source, title: str | None, where: str) -> Document:
    match source:
        case _Source(type="base64", data=str(data)):
            return document(source.media_type or "", data, title, f"{where}.source.data")
        case _Source(type="text", data=str(text)):
            return Document(source.media_type or "text/plain", text=text, name=title)
        case _Source(type="content", content=str(text)):
            return Document("text/plain", text=text, name=title)
        case _Source(type="content", content=list(blocks)):
            return Document("text/plain", text=_text(blocks, where), name=title)
        case _Source(type="url", url=str(url)):
            return Document(url=url, name=title)
        case _Source(type="file", file_id=str(file_id)):
            return Document(file_id=file_id, name=title)
    known = "base64, text, content, url, file"
    raise Inexpressible(f"a document source of type {source.type!r}; known are {known}", where)


def _text(blocks: list[WireBlock], where: str) -> str:
    parts = _content(blocks, where, {})
    texts = [part.text for part in parts if isinstance(part, Text)]
    if len(texts) != len(parts):
        message = "the content of a document or search result can be text only; send its images as blocks beside it"
        raise Inexpressible(message, where)
    return "\n\n".join(texts)
