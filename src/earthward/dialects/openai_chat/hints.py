"""What routing and records need to know of a request, found without reading the whole of it."""

from typing import Any

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects.envelope import Envelope
from earthward.dialects.files import size_of_text
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


_MODEL = msgspec.json.Decoder(str)
_MESSAGES = msgspec.json.Decoder(list[_Message])
_FORMAT = msgspec.json.Decoder(_ResponseFormat | None)

_FEATURES_BY_PART = {"image_url": "images", "input_audio": "audio", "file": "documents"}
_OWN = frozenset(
    {"model", "stream", "stream_options", "messages", "tools", "functions", "response_format", "user", "n"}
)
"""Fields that are decided by here."""
_USUAL = _OWN | {
    *("frequency_penalty", "logprobs", "max_completion_tokens", "max_tokens", "metadata", "parallel_tool_calls"),
    *("presence_penalty", "reasoning_effort", "seed", "service_tier", "stop", "store", "temperature", "tool_choice"),
    *("top_logprobs", "top_p"),
}
"""Fields whose names need no second look."""
_DEMANDING = frozenset({"tools", "functions", "response_format", "modalities"})
"""Fields that may need what not every target can do."""
_NAMING = frozenset({"user", "safety_identifier"})
"""Fields that say whom the request is for."""
_STREAM = {b"true": True, b"false": False, b"null": False}
_NEEDS_NOTHING: frozenset[str] = frozenset()
_NEEDS_STREAM = frozenset({"stream"})
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
    fields = envelope.fields
    model = _model(fields.get("model"))
    if not model:
        missing = not envelope.has("model")
        return _wrong("model", "you must name a `model`" if missing else "`model` must be a string that is not empty")
    stream = _STREAM.get(bytes(fields["stream"])) if "stream" in fields else False
    if stream is None:
        return _wrong("stream", "`stream` must be true or false")
    if "messages" not in fields:
        return _wrong("messages", "you must give `messages`")
    if not _USUAL.issuperset(fields):
        for name in fields:
            # Some servers match names without their case: what we did not see as `model` would be the model to them.
            if name not in _OWN and not (name.isascii() and name.islower()) and name.casefold() in _OWN:
                return _wrong(name, f"`{name[:40]}` must be written `{name.casefold()}`")
    root, media, characters = _looked_through(_messages(envelope))
    unit = None if _NAMING.isdisjoint(fields) else unit_hint(envelope)
    return Glance(model, stream, unit, root, _needed(envelope, stream, media), characters)


def answers(envelope: Envelope) -> int:
    """How many answers are asked for; one if that can't be told, as the upstream will say."""
    wanted = envelope.get("n") if "n" in envelope.fields else 1
    return wanted if isinstance(wanted, int) and not isinstance(wanted, bool) and wanted > 0 else 1


def unit_hint(envelope: Envelope) -> str | None:
    """Whom the request is for; `safety_identifier` is what OpenAI now calls `user`."""
    return envelope.get_str("user") or envelope.get_str("safety_identifier")


def conversation_root(envelope: Envelope) -> bytes:
    return _looked_through(_messages(envelope))[0]


def features(envelope: Envelope) -> frozenset[str]:
    return _needed(envelope, envelope.get_bool("stream") is True, _looked_through(_messages(envelope))[1])


def _model(raw: msgspec.Raw | None) -> str:
    """Nothing if there is none, or something else."""
    try:
        return _MODEL.decode(raw) if raw is not None else ""
    except NOT_JSON:
        return ""


def _messages(envelope: Envelope) -> list[_Message]:
    """Nothing if they are not in the form of this dialect: the upstream will say so."""
    raw = envelope.fields.get("messages")
    try:
        return _MESSAGES.decode(raw) if raw is not None else []
    except NOT_JSON:
        return []


def _looked_through(messages: list[_Message]) -> tuple[bytes, frozenset[str], int]:
    """Root, what the parts need, and characters of text."""
    root: list[bytes] = []
    is_rooted = False
    media = _NEEDS_NOTHING
    characters = 0
    for message in messages:
        role, content = message.role, message.content
        if type(content) is str:
            characters += len(content)
        elif content:
            characters += sum(len(part.text) for part in _parts(content) if part.text)
            for part in _parts(content):
                if part.type not in _FEATURES_BY_PART:
                    continue
                size = size_of_text(part.file) if part.type == "file" else None
                characters += size or 0
                media |= {_FEATURES_BY_PART[part.type]} if size is None else _NEEDS_NOTHING
        if not is_rooted and role in _ROOT_ROLES:
            root += (role.encode(), content.encode() if type(content) is str else _content(content))
            is_rooted = role == "user"
    root.append(b"")
    return b"\0".join(root) if is_rooted else b"", media, characters


def _parts(content: str | list[_Part] | None) -> list[_Part]:
    return content if isinstance(content, list) else []


def _content(content: str | list[_Part] | None) -> bytes:
    if isinstance(content, list):
        return b"".join(map(_part, content))
    return content.encode() if content else b""


def _part(part: _Part) -> bytes:
    if part.type in _FEATURES_BY_PART:
        return bytes(getattr(part, part.type))
    return part.text.encode() if part.text else b""


def _needed(envelope: Envelope, stream: bool, media: frozenset[str]) -> frozenset[str]:
    needed = _NEEDS_STREAM if stream else _NEEDS_NOTHING
    if not _DEMANDING.isdisjoint(envelope.fields):
        needed |= _demanded(envelope)
    return needed | media if media else needed


def _demanded(envelope: Envelope) -> set[str]:
    found = set()
    if _is_filled(envelope, "tools") or _is_filled(envelope, "functions"):
        found.add("tools")
    if "response_format" in envelope.fields and _has_schema(envelope.fields["response_format"]):
        found.add("schema")
    if "modalities" in envelope.fields and _has_audio(envelope.get("modalities")):
        found.add("audio")
    return found


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
