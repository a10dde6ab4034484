"""What routing and records need to know of a request, found without reading the whole of it."""

from typing import Any

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects.envelope import Envelope
from earthward.dialects.openai_chat.hints import answers, unit_hint

__all__ = ["Glance", "answers", "glance", "unit_hint"]

_OWN = frozenset({"model", "stream", "stream_options", "prompt", "user", "n"})
"""Fields that are decided by here."""


class Glance(msgspec.Struct, frozen=True):
    """As for chat. There is no conversation, so `root` is empty; `characters` are those of all prompts."""

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
    if envelope.has("stream") and envelope.get_bool("stream") is None:
        return _wrong("stream", "`stream` must be true or false")
    for name in envelope.fields.keys() - _OWN:
        # Some servers match names without their case: what we did not see as `model` would be the model to them.
        if name.casefold() in _OWN:
            return _wrong(name, f"`{name[:40]}` must be written `{name.casefold()}`")
    stream = envelope.get_bool("stream") is True
    needed = frozenset({"stream"}) if stream else frozenset[str]()
    return Glance(model, stream, unit_hint(envelope), b"", needed, _characters(envelope.get("prompt")))


def _characters(prompt: Any) -> int:
    if isinstance(prompt, list):
        return sum(len(text) for text in prompt if isinstance(text, str))
    return len(prompt) if isinstance(prompt, str) else 0


def _wrong(param: str, message: str) -> Failure:
    return Failure(FailureKind.BAD_REQUEST, message, param=param)
