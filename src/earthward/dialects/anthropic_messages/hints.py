"""What routing and records need to know of a request, found without reading the whole of it."""

from collections.abc import Iterator
from typing import Any

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects.envelope import Envelope
from earthward.dialects.files import is_text, type_of
from earthward.dialects.json_limits import NOT_JSON

_ABSENT = msgspec.Raw(b"")


class _Kind(msgspec.Struct, gc=False):
    type: str = ""
    media_type: Any = None


class _Said(msgspec.Struct, gc=False):
    data: str = ""


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    text: str | None = None
    source: msgspec.Raw = _ABSENT
    content: "str | list[_Block] | dict[str, msgspec.Raw] | None" = None


class _Message(msgspec.Struct, gc=False):
    role: str = ""
    content: str | list[_Block] | None = None


class _OutputConfig(msgspec.Struct, gc=False):
    format: dict[str, msgspec.Raw] | None = None


_MESSAGES = msgspec.json.Decoder(list[_Message])
_SYSTEM = msgspec.json.Decoder(str | list[_Block] | None)
_CONFIG = msgspec.json.Decoder(_OutputConfig | None)

_KIND = msgspec.json.Decoder(_Kind)
_SAID = msgspec.json.Decoder(_Said)

_FEATURES_BY_BLOCK = {"image": "images", "document": "documents"}
_TEXTS = ("text", "content")
"""Documents that are text already, as every target can be told."""


class Glance(msgspec.Struct, frozen=True):
    """`model` is what was asked for, and `stream` whether in pieces.

    `root` is what stays the same over the turns of a conversation: system text and the first user message, the
    same whether a text is sent as a string or as one block; empty if there is no user message.

    `features` are what a target must be able to do: stream, tools, schema, images, documents. `characters` are those
    of the system text and of all messages' text, results of tools included.
    """

    model: str
    stream: bool
    unit: str | None
    root: bytes
    features: frozenset[str]
    characters: int


def check(envelope: Envelope) -> Failure | None:
    """What is wrong with the fields that decide where the request goes and how it is answered."""
    if not envelope.has("model"):
        return _wrong("model", "you must name a `model`")
    if not envelope.get_str("model"):
        return _wrong("model", "`model` must be a string that is not empty")
    if envelope.has("stream") and envelope.get_bool("stream") is None:
        return _wrong("stream", "`stream` must be true or false")
    if "messages" not in envelope.fields:
        return _wrong("messages", "you must give `messages`")
    return None


def glance(envelope: Envelope) -> Glance | Failure:
    """All hints at once, or what `check` finds; they share the one step that costs something, decoding the messages."""
    failure = check(envelope)
    if failure is not None:
        return failure
    model, stream = envelope.get_str("model") or "", envelope.get_bool("stream") is True
    messages = _messages(envelope)
    needed = _features(envelope, messages)
    return Glance(model, stream, unit_hint(envelope), _root(messages), needed, _characters(messages))


def unit_hint(envelope: Envelope) -> str | None:
    """Whom the request is for."""
    metadata = envelope.get("metadata") if "metadata" in envelope.fields else None
    user = metadata.get("user_id") if isinstance(metadata, dict) else None
    return user if isinstance(user, str) and user else None


def conversation_root(envelope: Envelope) -> bytes:
    return _root(_messages(envelope))


def features(envelope: Envelope) -> frozenset[str]:
    return _features(envelope, _messages(envelope))


def _messages(envelope: Envelope) -> list[_Message]:
    """The system text as a message before the others; nothing if they are not in the form of this dialect: the
    upstream will say so."""
    raw, system = envelope.fields.get("messages"), envelope.fields.get("system")
    try:
        messages = _MESSAGES.decode(raw) if raw is not None else []
        return messages if system is None else [_Message("system", _SYSTEM.decode(system)), *messages]
    except NOT_JSON:
        return []


def _root(messages: list[_Message]) -> bytes:
    root = []
    for message in messages:
        if message.role in ("system", "user"):
            root += [message.role.encode(), b"\0", _content(message.content), b"\0"]
        if message.role == "user":
            return b"".join(root)
    return b""


def _content(content: Any) -> bytes:
    if isinstance(content, list):
        return b"".join(map(_block, content))
    return content.encode() if isinstance(content, str) else b""


def _block(block: _Block) -> bytes:
    if block.text:
        return block.text.encode()
    return bytes(block.source) + _content(block.content)


def _features(envelope: Envelope, messages: list[_Message]) -> frozenset[str]:
    found = set()
    if envelope.get_bool("stream"):
        found.add("stream")
    raw = envelope.fields.get("tools")
    if raw is not None and bytes(raw) not in (b"null", b"[]"):
        found.add("tools")
    if _has_schema(envelope):
        found.add("schema")
    for message in messages:
        for block in _blocks(message):
            feature = _FEATURES_BY_BLOCK.get(block.type)
            if feature is not None and not (feature == "documents" and _is_text(block)):
                found.add(feature)
    return frozenset(found)


def _source(block: _Block) -> _Kind:
    try:
        return _KIND.decode(block.source)
    except NOT_JSON:
        return _Kind()


def _is_text(block: _Block) -> bool:
    source = _source(block)
    kind = source.media_type if isinstance(source.media_type, str) else ""
    return source.type in _TEXTS or (source.type == "base64" and is_text(type_of(kind, None)))


def _blocks(holder: _Message | _Block) -> Iterator[_Block]:
    """Those in the results of tools too."""
    if isinstance(holder.content, list):
        for block in holder.content:
            yield block
            yield from _blocks(block)


def _characters(messages: list[_Message]) -> int:
    return sum(map(_characters_in, messages))


def _characters_in(holder: _Message | _Block) -> int:
    content: Any = holder.content
    if isinstance(content, str):
        return len(content)
    if not isinstance(content, list):
        return 0
    return sum(map(_characters_of, content))


def _characters_of(block: _Block) -> int:
    if block.text:
        return len(block.text)
    if block.type == "document" and _is_text(block) and (kind := _source(block).type) != "content":
        try:
            said = len(_SAID.decode(block.source).data)
        except NOT_JSON:
            return 0
        return said if kind == "text" else said * 3 // 4
    return _characters_in(block)


def _has_schema(envelope: Envelope) -> bool:
    if envelope.has("output_format"):
        return True
    raw = envelope.fields.get("output_config")
    if raw is None:
        return False
    try:
        config = _CONFIG.decode(raw)
    except NOT_JSON:
        return False
    return config is not None and config.format is not None


def _wrong(param: str, message: str) -> Failure:
    return Failure(FailureKind.BAD_REQUEST, message, param=param)
