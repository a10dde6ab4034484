"""With how much context a model is loaded: the least of its target's tiers in which a request is likely to fit.

A host loads a model anew for each other context, and nobody is served by it meanwhile. So tiers are few, and a host
that has more than is needed is asked for what it has: its context grows where it must, and shrinks only when the model
is put out.
"""

import re

import msgspec

from earthward.chat import Audio, ChatRequest, Document, Image, Part, ToolCall, ToolResult
from earthward.config.snapshot import Target
from earthward.routing.context import tier

IMAGE = 768
"""Tokens that an Ollama takes an image for."""
AUDIO = 1_000
"""Bytes of base64 for a token of sound: few models have more."""
_TOLD = re.compile(r"request \(([0-9]{1,9}) tokens\) exceeds")


class Size(msgspec.Struct, frozen=True):
    """How large a request is: characters of everything that is told in words, messages, and tokens beside that."""

    characters: int
    messages: int
    tokens: int


class Need(msgspec.Struct, frozen=True):
    """Tokens that a request is likely to have at most, and that are kept for its answer."""

    prompt: int
    answer: int


def size_of(chat: ChatRequest) -> Size:
    """Tools and the form of the answer are told in words, too."""
    parts = [part for message in chat.messages for part in message.parts]
    told = [(tool.name, tool.description, tool.parameters) for tool in chat.tools]
    schema = chat.output.schema if chat.output is not None else None
    said = len(msgspec.json.encode(told)) * bool(told) + len(msgspec.json.encode(schema)) * (schema is not None)
    return Size(said + sum(map(_characters, parts)), len(chat.messages), sum(map(_tokens, parts)))


def _characters(part: Part) -> int:
    match part:
        case ToolCall(name=name, arguments=arguments):
            return len(name) + len(arguments)
        case ToolResult(content=content):
            return sum(map(_characters, content))
        case Document(text=text):
            return len(text or "")
        case Image() | Audio():
            return 0
        case _:
            return len(part.text)


def _tokens(part: Part) -> int:
    match part:
        case Image():
            return IMAGE
        case Audio(data=data):
            return len(data) // AUDIO
        case ToolResult(content=content):
            return sum(map(_tokens, content))
        case _:
            return 0


def contexts(target: Target) -> tuple[int, ...]:
    """Those with which its model is asked for, the least first; none where its hosts choose."""
    return target.tiers or ((target.context,) if target.context else ())


def least(target: Target, need: Need | None = None) -> int | None:
    """The context to ask for: the least that holds what is needed, or the greatest if none does. None if none is
    stated; the least of all where nothing is needed yet."""
    tiers = contexts(target)
    if not tiers or need is None:
        return tiers[0] if tiers else None
    return tier(need.prompt + need.answer, tiers=tiers) or tiers[-1]


def next_after(target: Target, context: int, words: str, answer: int = 0) -> int | None:
    """The context to ask for once a host has said that so much is too little; None if there is no more.

    `words` are the host's own, which may tell how long the prompt is. Where they don't, it is the greatest: one load
    too large costs less than another refusal. `answer` are tokens that the answer may have.
    """
    more = tuple(size for size in contexts(target) if size > context)
    if not more:
        return None
    told = _TOLD.search(words)
    length = int(told[1]) if told else more[-1]
    return None if length > more[-1] else tier(length + answer, tiers=more) or more[-1]


def allocated(target: Target, context: int | None) -> int:
    """What a host has that was asked for so much: no more than its model was made for. 0 where it may be anything."""
    made_for = target.shown.context if target.shown is not None else None
    return min(context or 0, made_for) if made_for else context or 0


def most(target: Target) -> int:
    """The greatest context that is as good as a smaller one that is wanted."""
    return allocated(target, target.widest or target.context)


def asked_for(target: Target, has: int) -> int:
    """What to ask of a host that has so much, so that it stays as it is loaded."""
    return next((size for size in contexts(target) if allocated(target, size) == has), has)
