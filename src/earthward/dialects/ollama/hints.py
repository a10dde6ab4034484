"""What routing and records need to know of a request, found without reading the whole of it."""

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects.envelope import Envelope
from earthward.dialects.json_limits import NOT_JSON


class _Message(msgspec.Struct, gc=False):
    role: str = ""
    content: str | None = None
    images: list[msgspec.Raw] | None = None


_MESSAGES = msgspec.json.Decoder(list[_Message] | None)
_IMAGES = msgspec.json.Decoder(list[msgspec.Raw] | None)

_ROOT_ROLES = frozenset({"system", "developer", "user"})

_OLLAMA_ONLY = {"suffix": "insert", "template": "raw", "raw": "raw", "context": "raw"}
"""Fields of generate that only Ollama itself can serve, and the feature each asks for."""


class Glance(msgspec.Struct, frozen=True):
    """`model` is what was asked for, and `stream` whether in pieces.

    `root` is what stays the same over the turns of a conversation: system text and the first user message; empty if
    there is no user message.

    `features` are what a target must be able to do: stream, tools, schema, images; for generate also insert (filling
    a gap) and raw (going around the template), which only Ollama can. `characters` are those of all text. This
    dialect has no field that says whom a request is for.
    """

    model: str
    stream: bool
    unit: str | None
    root: bytes
    features: frozenset[str]
    characters: int


def check(envelope: Envelope, generate: bool = False) -> Failure | None:
    """What is wrong with the fields that decide where the request goes and how it is answered.

    Without messages or prompt it is fine: then the model is only to be loaded.
    """
    if not envelope.has("model"):
        return _wrong("model", "you must name a `model`")
    if not envelope.get_str("model"):
        return _wrong("model", "`model` must be a string that is not empty")
    if envelope.has("stream") and envelope.get_bool("stream") is None:
        return _wrong("stream", "`stream` must be true or false")
    if generate and envelope.has("prompt") and envelope.get_str("prompt") is None:
        return _wrong("prompt", "`prompt` must be a string")
    return None


def glance(envelope: Envelope, generate: bool = False) -> Glance | Failure:
    """All hints at once, or what `check` finds wrong.

    They share the one step that costs something, decoding the messages.
    """
    problem = check(envelope, generate)
    if problem is not None:
        return problem
    messages = _messages(envelope, generate)
    return Glance(
        model=envelope.get("model"),
        stream=wants_stream(envelope),
        unit=unit_hint(envelope),
        root=_root(messages),
        features=_features(envelope, messages, generate),
        characters=sum(len(message.content or "") for message in messages),
    )


def wants_stream(envelope: Envelope) -> bool:
    """Ollama streams unless told not to."""
    return envelope.get_bool("stream") is not False


def only_loads(envelope: Envelope, generate: bool = False) -> bool:
    """Whether nothing is asked: then Ollama loads the model, or with `keep_alive: 0` unloads it."""
    if generate:
        return not (envelope.get("prompt") or envelope.get("images") or envelope.get("suffix"))
    return not envelope.get("messages")


def answers(envelope: Envelope) -> int:
    """Always one: this dialect has no way to ask for more."""
    return 1


def unit_hint(envelope: Envelope) -> str | None:
    """Always None: this dialect has no field for it."""
    return None


def conversation_root(envelope: Envelope, generate: bool = False) -> bytes:
    return _root(_messages(envelope, generate))


def features(envelope: Envelope, generate: bool = False) -> frozenset[str]:
    return _features(envelope, _messages(envelope, generate), generate)


def _messages(envelope: Envelope, generate: bool) -> list[_Message]:
    """Nothing if they are not in the form of this dialect: the upstream will say so."""
    if generate:
        return _generated(envelope)
    raw = envelope.fields.get("messages")
    try:
        return (_MESSAGES.decode(raw) if raw is not None else None) or []
    except NOT_JSON:
        return []


def _generated(envelope: Envelope) -> list[_Message]:
    """The conversation that prompt and system text stand for."""
    raw = envelope.fields.get("images")
    try:
        images = _IMAGES.decode(raw) if raw is not None else None
    except NOT_JSON:
        images = None
    system, prompt = envelope.get_str("system"), envelope.get_str("prompt")
    said = [_Message("user", prompt, images)] if prompt or images else []
    return [*([_Message("system", system)] if system else []), *said]


def _root(messages: list[_Message]) -> bytes:
    root = []
    for message in messages:
        role = message.role.lower()
        if role in _ROOT_ROLES:
            root += [role.encode(), b"\0", (message.content or "").encode(), *map(bytes, message.images or ()), b"\0"]
        if role == "user":
            return b"".join(root)
    return b""


def _features(envelope: Envelope, messages: list[_Message], generate: bool) -> frozenset[str]:
    found = set()
    if wants_stream(envelope):
        found.add("stream")
    if _is_filled(envelope, "tools"):
        found.add("tools")
    if _is_filled(envelope, "format") and isinstance(envelope.get("format"), dict):
        found.add("schema")
    if any(message.images for message in messages):
        found.add("images")
    if generate:
        found.update(feature for name, feature in _OLLAMA_ONLY.items() if envelope.get(name))
    return frozenset(found)


def _is_filled(envelope: Envelope, name: str) -> bool:
    raw = envelope.fields.get(name)
    return raw is not None and bytes(raw) not in (b"null", b"[]")


def _wrong(param: str, message: str) -> Failure:
    return Failure(FailureKind.BAD_REQUEST, message, param=param)
