"""What routing and records need to know of a request, found without reading the whole of it."""

from typing import Any

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects.envelope import Envelope
from earthward.dialects.json_limits import NOT_JSON

_ABSENT = msgspec.Raw(b"")


class _Part(msgspec.Struct, gc=False):
    type: str = ""
    text: str | None = None
    image_url: msgspec.Raw = _ABSENT
    input_audio: msgspec.Raw = _ABSENT
    file: msgspec.Raw = _ABSENT


class _Message(msgspec.Struct, gc=False):
    role: str = ""
    content: str | list[_Part] | None = None


class _ResponseFormat(msgspec.Struct, gc=False):
    type: str = ""


_MESSAGES = msgspec.json.Decoder(list[_Message])
_FORMAT = msgspec.json.Decoder(_ResponseFormat | None)

_FEATURES_BY_PART = {"image_url": "images", "input_audio": "audio", "file": "documents"}
_OWN = frozenset(
    {"model", "stream", "stream_options", "messages", "tools", "functions", "response_format", "user", "n"}
)
"""Fields that are decided by here."""
_ROOT_ROLES = frozenset({"system", "developer", "user"})


class Glance(msgspec.Struct, frozen=True, gc=False):
    """`model` is what was asked for, and `stream` whether in pieces.

    `root` is what stays the same over the turns of a conversation: system text and the first user message, the
    same whether a text is sent as a string or as one part; empty if there is no user message.

    `features` are what a target must be able to do: stream, tools, schema, images, audio, documents. `characters`
    are those of all messages' text.
    """

    model: str
    stream: bool
    unit: str | None
    root: bytes
    features: frozenset[str]
    characters: int


def glance(envelope: Envelope) -> Glance | Failure:
    """All hints at once, or what is wrong with a field that decides where the request goes and how it is answered."""
    model = envelope.get("model")
    if not isinstance(model, str) or not model:
        missing = not envelope.has("model")
        return _wrong("model", "you must name a `model`" if missing else "`model` must be a string that is not empty")
    stream = envelope.get("stream")
    if stream is None and not envelope.has("stream"):
        stream = False
    if not isinstance(stream, bool):
        return _wrong("stream", "`stream` must be true or false")
    if "messages" not in envelope.fields:
        return _wrong("messages", "you must give `messages`")
    for name in envelope.fields:
        # Some servers match names without their case: what we did not see as `model` would be the model to them.
        if name not in _OWN and not (name.isascii() and name.islower()) and name.casefold() in _OWN:
            return _wrong(name, f"`{name[:40]}` must be written `{name.casefold()}`")
    messages = _messages(envelope)
    needed = _features(envelope, stream, messages)
    return Glance(model, stream, unit_hint(envelope), _root(messages), needed, _characters(messages))


def answers(envelope: Envelope) -> int:
    """How many answers are asked for; one if that can't be told, as the upstream will say."""
    wanted = envelope.get("n") if "n" in envelope.fields else 1
    return wanted if isinstance(wanted, int) and not isinstance(wanted, bool) and wanted > 0 else 1


def unit_hint(envelope: Envelope) -> str | None:
    """Whom the request is for; `safety_identifier` is what OpenAI now calls `user`."""
    fields = envelope.fields
    if "user" not in fields and "safety_identifier" not in fields:
        return None
    return envelope.get_str("user") or envelope.get_str("safety_identifier")


def conversation_root(envelope: Envelope) -> bytes:
    return _root(_messages(envelope))


def features(envelope: Envelope) -> frozenset[str]:
    return _features(envelope, envelope.get_bool("stream") is True, _messages(envelope))


def _messages(envelope: Envelope) -> list[_Message]:
    """Nothing if they are not in the form of this dialect: the upstream will say so."""
    raw = envelope.fields.get("messages")
    try:
        return _MESSAGES.decode(raw) if raw is not None else []
    except NOT_JSON:
        return []


def _root(messages: list[_Message]) -> bytes:
    root = []
    for message in messages:
        if message.role in _ROOT_ROLES:
            root += [message.role.encode(), b"\0", _content(message.content), b"\0"]
        if message.role == "user":
            return b"".join(root)
    return b""


def _content(content: str | list[_Part] | None) -> bytes:
    if isinstance(content, list):
        return b"".join(map(_part, content))
    return content.encode() if content else b""


def _part(part: _Part) -> bytes:
    if part.type in _FEATURES_BY_PART:
        return bytes(getattr(part, part.type))
    return part.text.encode() if part.text else b""


def _features(envelope: Envelope, stream: bool, messages: list[_Message]) -> frozenset[str]:
    found = {"stream"} if stream else set()
    if _is_filled(envelope, "tools") or _is_filled(envelope, "functions"):
        found.add("tools")
    if "response_format" in envelope.fields and _has_schema(envelope.fields["response_format"]):
        found.add("schema")
    if "modalities" in envelope.fields and _has_audio(envelope.get("modalities")):
        found.add("audio")
    for message in messages:
        if isinstance(message.content, list):
            found.update(_FEATURES_BY_PART[part.type] for part in message.content if part.type in _FEATURES_BY_PART)
    return frozenset(found)


def _characters(messages: list[_Message]) -> int:
    total = 0
    for message in messages:
        content = message.content
        if isinstance(content, str):
            total += len(content)
        elif content:
            total += sum(len(part.text) for part in content if part.text)
    return total


def _is_filled(envelope: Envelope, name: str) -> bool:
    raw = envelope.fields.get(name)
    return raw is not None and bytes(raw) not in (b"null", b"[]")


def _has_schema(raw: msgspec.Raw) -> bool:
    try:
        wanted = _FORMAT.decode(raw)
    except NOT_JSON:
        return False
    return wanted is not None and wanted.type == "json_schema"


def _has_audio(modalities: Any) -> bool:
    return isinstance(modalities, list) and "audio" in modalities


def _wrong(param: str, message: str) -> Failure:
    return Failure(FailureKind.BAD_REQUEST, message, param=param)
