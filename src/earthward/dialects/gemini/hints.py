"""What routing and records need to know of a request, found without reading the whole of it."""

from collections.abc import Iterable
from typing import Any

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects.envelope import Envelope
from earthward.dialects.files import is_text, type_of
from earthward.dialects.gemini.fields import camel
from earthward.dialects.json_limits import NOT_JSON

_ABSENT = msgspec.Raw(b"")


class _Part(msgspec.Struct, gc=False):
    text: str | None = None
    thought: Any = None
    inline_data: msgspec.Raw = _ABSENT
    inline: msgspec.Raw = msgspec.field(name="inlineData", default=_ABSENT)
    file_data: msgspec.Raw = _ABSENT
    file: msgspec.Raw = msgspec.field(name="fileData", default=_ABSENT)
    function_response: msgspec.Raw = _ABSENT
    response: msgspec.Raw = msgspec.field(name="functionResponse", default=_ABSENT)

    @property
    def media(self) -> bytes:
        return bytes(self.inline) or bytes(self.inline_data) or bytes(self.file) or bytes(self.file_data)

    @property
    def is_text(self) -> bool:
        """Whether it is bytes of text, which every target can be told."""
        return bool(self.inline or self.inline_data) and is_text(_type(self.media))

    @property
    def said(self) -> int:
        """Characters of text, or of a function's response."""
        if self.text:
            return len(self.text)
        media = self.media
        if media:
            return len(media) * 3 // 4 if self.is_text else 0
        return len(bytes(self.response) or bytes(self.function_response))


class _Content(msgspec.Struct, gc=False):
    role: str | None = None
    parts: list[_Part] | None = None


class _Media(msgspec.Struct, gc=False):
    mime_type: str | None = None
    display_name: Any = None
    kind: str | None = msgspec.field(name="mimeType", default=None)
    name: Any = msgspec.field(name="displayName", default=None)


class _Generation(msgspec.Struct, gc=False):
    response_schema: Any = None
    schema: Any = msgspec.field(name="responseSchema", default=None)
    response_json_schema: Any = None
    json_schema: Any = msgspec.field(name="responseJsonSchema", default=None)
    candidate_count: Any = None
    count: Any = msgspec.field(name="candidateCount", default=None)


_CONTENTS = msgspec.json.Decoder(list[_Content])
_SYSTEM = msgspec.json.Decoder(_Content | None)
_MEDIA = msgspec.json.Decoder(_Media)
_CONFIG = msgspec.json.Decoder(_Generation | None)
_OWN = frozenset({"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "model"})
"""Fields that are decided by here."""
_FEATURES_BY_KIND = {"image": "images", "audio": "audio", "video": "video"}


class Glance(msgspec.Struct, frozen=True):
    """`model` is what was asked for, and `stream` whether in pieces; both stood in the URL.

    `root` is what stays the same over the turns of a conversation: system text and the first user message; empty if
    there is no user message. `features` are what a target must be able to do: stream, tools, schema, images, audio,
    video, documents. `characters` are those of the system text and of all text, responses of functions included.
    """

    model: str
    stream: bool
    unit: str | None
    root: bytes
    features: frozenset[str]
    characters: int


def glance(envelope: Envelope, model: str, stream: bool) -> Glance | Failure:
    """All hints at once, or what is wrong with a field that decides where the request goes."""
    if not model:
        return _wrong("model", "the URL must name a model, as in models/gemini-2.5-flash:generateContent")
    if "contents" not in envelope.fields:
        return _wrong("contents", "you must give `contents`")
    for name in envelope.fields:
        spelt = camel(name)
        if spelt != name and spelt in _OWN and spelt in envelope.fields:
            # Which of the two counts is not said anywhere.
            return _wrong(name, f"`{name}` and `{spelt}` are the same field, and both are given")
        if spelt not in _OWN and spelt.casefold() in _LOOK_ALIKES:
            return _wrong(name, f"`{name[:40]}` must be written `{_LOOK_ALIKES[spelt.casefold()]}`")
    contents = _contents(envelope)
    return Glance(
        model, stream, None, _root(contents), _features(envelope, contents, stream), sum(map(_characters, contents))
    )


def answers(envelope: Envelope) -> int:
    """How many answers are asked for; one if that can't be told, as the upstream will say."""
    config = _generation(envelope)
    wanted = config.count if config.count is not None else config.candidate_count
    return wanted if isinstance(wanted, int) and not isinstance(wanted, bool) and wanted > 0 else 1


def conversation_root(envelope: Envelope) -> bytes:
    return _root(_contents(envelope))


def features(envelope: Envelope, stream: bool) -> frozenset[str]:
    return _features(envelope, _contents(envelope), stream)


_LOOK_ALIKES = {name.casefold(): name for name in _OWN}


def _raw(envelope: Envelope, *names: str) -> msgspec.Raw | None:
    return next((envelope.fields[name] for name in names if name in envelope.fields), None)


def _contents(envelope: Envelope) -> list[_Content]:
    """The system text as a content before the others; nothing if they are not in the form of this dialect: the
    upstream will say so."""
    raw, system = envelope.fields.get("contents"), _raw(envelope, "systemInstruction", "system_instruction")
    try:
        contents = _CONTENTS.decode(raw) if raw is not None else []
        told = _SYSTEM.decode(system) if system is not None else None
    except NOT_JSON:
        return []
    return contents if told is None else [_Content("system", told.parts), *contents]


def _generation(envelope: Envelope) -> _Generation:
    raw = _raw(envelope, "generationConfig", "generation_config")
    try:
        return (_CONFIG.decode(raw) if raw is not None else None) or _Generation()
    except NOT_JSON:
        return _Generation()


def _root(contents: Iterable[_Content]) -> bytes:
    root = []
    for content in contents:
        role = content.role or "user"
        if role in ("system", "user"):
            said = b"".join(part.media or (part.text or "").encode() for part in content.parts or ())
            root += [role.encode(), b"\0", said, b"\0"]
        if role == "user":
            return b"".join(root)
    return b""


def _features(envelope: Envelope, contents: list[_Content], stream: bool) -> frozenset[str]:
    found = {"stream"} if stream else set()
    tools = envelope.fields.get("tools")
    if tools is not None and bytes(tools) not in (b"null", b"[]"):
        found.add("tools")
    config = _generation(envelope)
    if config.schema or config.response_schema or config.json_schema or config.response_json_schema:
        found.add("schema")
    for content in contents:
        found.update(_feature(part) for part in content.parts or () if part.media and not part.is_text)
    return frozenset(found)


def _type(media: bytes) -> str:
    try:
        wire = _MEDIA.decode(media)
    except NOT_JSON:
        return ""
    return type_of(wire.kind or wire.mime_type or "", wire.name or wire.display_name)


def _feature(part: _Part) -> str:
    return _FEATURES_BY_KIND.get(_type(part.media).partition("/")[0], "documents")


def _characters(content: _Content) -> int:
    return sum(part.said for part in content.parts or ())


def _wrong(param: str, message: str) -> Failure:
    return Failure(FailureKind.BAD_REQUEST, message, param=param)
