"""What routing and records need to know of a request, found without reading the whole of it."""

from typing import Any

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects.envelope import Envelope
from earthward.dialects.files import size_of_text_in
from earthward.dialects.json_limits import NOT_JSON


class _Part(msgspec.Struct, gc=False):
    type: str = ""
    text: str | None = None
    image_url: Any = None
    file_id: Any = None
    file_data: Any = None
    file_url: Any = None
    filename: Any = None

    @property
    def size_of_text(self) -> int | None:
        """Of a file that is text, which every target can be told."""
        return size_of_text_in(self.file_data, self.filename) if self.type == "input_file" else None


class _Item(msgspec.Struct, gc=False):
    type: str = "message"
    role: str | None = None
    content: str | list[_Part] | None = None
    output: str | list[_Part] | None = None
    arguments: str | None = None


class _Format(msgspec.Struct, gc=False):
    type: Any = None


class _Text(msgspec.Struct, gc=False):
    format: _Format | None = None


_INPUT = msgspec.json.Decoder(str | list[_Item])
_INSTRUCTIONS = msgspec.json.Decoder(str | list[_Item] | None)
_TEXT = msgspec.json.Decoder(_Text | None)

_FEATURES_BY_PART = {"input_image": "images", "input_file": "documents", "input_audio": "audio"}
_OWN = frozenset({"model", "stream", "input", "instructions", "tools", "text", "user", "previous_response_id"})
"""Fields that are decided by here."""
_SWITCHES = ("stream", "store", "background")
"""Whoever says `"store": "false"` must not find that it was taken for a yes."""
_ROOT_ROLES = frozenset({"system", "developer", "user"})


class Glance(msgspec.Struct, frozen=True):
    """`model` is what was asked for, and `stream` whether in pieces.

    `root` is what stays the same over the turns of a conversation: instructions, system text and the first user
    message; empty if there is no user message, or the conversation began in an earlier response: `previous` is the id
    of that. `features` are what a target must be able to do: stream, tools, schema, images, audio, documents.
    `characters` are those of all text, outputs of tools included.
    """

    model: str
    stream: bool
    unit: str | None
    root: bytes
    features: frozenset[str]
    characters: int
    previous: str | None = None


def glance(envelope: Envelope) -> Glance | Failure:
    """All hints at once, or what is wrong with a field that decides where the request goes and how it is answered."""
    model = envelope.get("model")
    if not isinstance(model, str) or not model:
        missing = not envelope.has("model")
        return _wrong("model", "you must name a `model`" if missing else "`model` must be a string that is not empty")
    for name in _SWITCHES:
        if envelope.has(name) and envelope.get_bool(name) is None:
            return _wrong(name, f"`{name}` must be true or false")
    if envelope.has("previous_response_id") and not previous_response_id(envelope):
        return _wrong("previous_response_id", "`previous_response_id` must be the id of a response")
    if envelope.has("previous_response_id") and envelope.has("conversation"):
        return _wrong("conversation", "`conversation` and `previous_response_id` can't both be gone on from")
    for name in envelope.fields.keys() - _OWN:
        # Some servers match names without their case: what we did not see as `model` would be the model to them.
        if name.casefold() in _OWN:
            return _wrong(name, f"`{name[:40]}` must be written `{name.casefold()}`")
    items, previous = _items(envelope), previous_response_id(envelope)
    root = b"" if previous else _root(items)
    return Glance(
        model,
        envelope.get_bool("stream") is True,
        unit_hint(envelope),
        root,
        _features(envelope, items),
        sum(map(_characters, items)),
        previous,
    )


def previous_response_id(envelope: Envelope) -> str | None:
    """The response that this goes on from: without what led there, it would mean something else."""
    return envelope.get_str("previous_response_id") or None


def is_stored(envelope: Envelope) -> bool:
    """Whether the caller will want to go on from the answer, which is so unless it says otherwise."""
    return envelope.get_bool("store") is not False


def unit_hint(envelope: Envelope) -> str | None:
    """Whom the request is for; `safety_identifier` is what OpenAI now calls `user`."""
    return envelope.get_str("user") or envelope.get_str("safety_identifier") or None


def conversation_root(envelope: Envelope) -> bytes:
    return b"" if previous_response_id(envelope) else _root(_items(envelope))


def features(envelope: Envelope) -> frozenset[str]:
    return _features(envelope, _items(envelope))


def _items(envelope: Envelope) -> list[_Item]:
    """Instructions and input; nothing if they are not in the form of this dialect: the upstream will say so."""
    told, asked = envelope.fields.get("instructions"), envelope.fields.get("input")
    try:
        instructions = _INSTRUCTIONS.decode(told) if told is not None else None
        found = _INPUT.decode(asked) if asked is not None else []
    except NOT_JSON:
        return []
    return [*_as_items(instructions, "system"), *_as_items(found, "user")]


def _as_items(found: str | list[_Item] | None, role: str) -> list[_Item]:
    if isinstance(found, str):
        return [_Item(role=role, content=found)]
    return found or []


def _root(items: list[_Item]) -> bytes:
    root = []
    for item in items:
        if item.type == "message" and item.role in _ROOT_ROLES:
            root += [item.role.encode(), b"\0", _content(item.content), b"\0"]
            if item.role == "user":
                return b"".join(root)
    return b""


def _content(content: str | list[_Part] | None) -> bytes:
    if isinstance(content, list):
        return b"".join(map(_part, content))
    return content.encode() if content else b""


def _part(part: _Part) -> bytes:
    said = part.text or part.image_url or part.file_data or part.file_url or part.file_id
    return said.encode() if isinstance(said, str) else b""


def _features(envelope: Envelope, items: list[_Item]) -> frozenset[str]:
    found = {"stream"} if envelope.get_bool("stream") else set()
    tools = envelope.fields.get("tools")
    if tools is not None and bytes(tools) not in (b"null", b"[]"):
        found.add("tools")
    if "text" in envelope.fields and _has_schema(envelope.fields["text"]):
        found.add("schema")
    for item in items:
        for content in (item.content, item.output):
            if isinstance(content, list):
                found.update(
                    _FEATURES_BY_PART[part.type]
                    for part in content
                    if part.type in _FEATURES_BY_PART and part.size_of_text is None
                )
    return frozenset(found)


def _characters(item: _Item) -> int:
    total = len(item.arguments or "")
    for content in (item.content, item.output):
        if isinstance(content, str):
            total += len(content)
        elif content:
            total += sum(len(part.text) if part.text else part.size_of_text or 0 for part in content)
    return total


def _has_schema(raw: msgspec.Raw) -> bool:
    try:
        text = _TEXT.decode(raw)
    except NOT_JSON:
        return False
    return text is not None and text.format is not None and text.format.type == "json_schema"


def _wrong(param: str, message: str) -> Failure:
    return Failure(FailureKind.BAD_REQUEST, message, param=param)
