"""A generate request read into the vocabulary, as a conversation of one turn.

What continues a text instead of answering one, or goes around the model's template, only Ollama itself can do: such
requests pass through to it unread.
"""

import msgspec

from earthward.chat import ChatRequest, Failure, FailureKind, Message, Part, Role, Text
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.json_limits import LIMITS, NOT_JSON, JsonLimits, excess
from earthward.dialects.ollama.read_messages import read_images
from earthward.dialects.ollama.read_request import WireAsked, as_asked
from earthward.dialects.unreadable import unreadable


class _Generate(WireAsked, kw_only=True):
    prompt: str | None = None
    system: str | None = None
    images: list[str] | None = None
    suffix: str | None = None
    template: str | None = None
    raw: bool | None = None
    context: list[int] | None = None


_KNOWN = frozenset(_Generate.__struct_fields__)

_OLLAMA_ONLY = {
    "suffix": "fills a gap in a text",
    "template": "brings its own template",
    "raw": "is sent to the model without its template",
    "context": "continues from token numbers of one model",
}


def read_generate(body: bytes, limits: JsonLimits = LIMITS) -> ChatRequest | Failure:
    """The request, or what is wrong with it, with the place in `param`."""
    too_much = excess(body, limits)
    if too_much is not None:
        return Failure(FailureKind.BAD_REQUEST, f"the request body has {too_much}")
    try:
        raw = msgspec.json.decode(body)
        wire = msgspec.convert(raw, _Generate)
        asked = as_asked(wire, raw, _KNOWN)
        _refuse_what_only_ollama_can(wire)
        return msgspec.structs.replace(asked, messages=_messages(wire))
    except Inexpressible as error:
        return error.failure
    except NOT_JSON as error:
        return unreadable(error)


def _messages(wire: _Generate) -> tuple[Message, ...]:
    system = [Message(Role.SYSTEM, (Text(wire.system),))] if wire.system else []
    said: list[Part] = [*([Text(wire.prompt)] if wire.prompt else []), *read_images(wire.images)]
    return (*system, *([Message(Role.USER, tuple(said))] if said else []))


def _refuse_what_only_ollama_can(wire: _Generate) -> None:
    for name, what in _OLLAMA_ONLY.items():
        if getattr(wire, name):
            message = f"a request with `{name}` {what}, which only an Ollama target can do; "
            raise Inexpressible(message + "send it to one, or use /api/chat", name)
