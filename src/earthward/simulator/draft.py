"""What a simulated model says to a request, before any vendor's wire format."""

import json
from functools import lru_cache
from typing import Any

import msgspec

from earthward.simulator.behaviour import Behaviour, Finish
from earthward.simulator.schemas import instance
from earthward.simulator.text import fragments, numbered, spoken, tokens_in, words


class Tool(msgspec.Struct, frozen=True):
    name: str
    parameters: Any = None


class Asked(msgspec.Struct, frozen=True):
    """A request as far as an answer depends on it.

    `model` is without a directive, which is in `directives` with that of the last user message. `tools` are those
    the caller allows, empty where it forbids calls; `must_call` where one is demanded. `schema` is what the answer
    has to obey, `{}` for any JSON object. `digest` stands for the whole body.
    """

    model: str
    digest: str
    directives: tuple[str | None, ...] = ()
    stream: bool = False
    stream_usage: bool = False
    answers: int = 1
    max_tokens: int | None = None
    input: int = 0
    images: int = 0
    tools: tuple[Tool, ...] = ()
    must_call: bool = False
    parallel: bool = True
    schema: Any = None
    stop: tuple[str, ...] = ()
    logprobs: bool = False


class Call(msgspec.Struct, frozen=True):
    name: str
    arguments: str


class Choice(msgspec.Struct, frozen=True):
    """One answer: `pieces` of text, a token each, or `calls`, or a `refusal`."""

    finish: Finish
    pieces: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    refusal: str | None = None
    tokens: int = 0


class Draft(msgspec.Struct, frozen=True):
    """`input` includes `cached`, `output` includes `reasoning`; all in tokens."""

    choices: tuple[Choice, ...]
    input: int
    output: int
    cached: int = 0
    reasoning: int = 0


def draft(asked: Asked, behaviour: Behaviour, seed: int) -> Draft:
    """The same request, behaviour and seed give the same draft."""
    choices = tuple(_choice(asked, behaviour, f"{seed}:{index}:{asked.digest}") for index in range(asked.answers))
    output = sum(choice.tokens for choice in choices) + behaviour.reasoning
    return Draft(choices, asked.input, output, min(behaviour.cached, asked.input), behaviour.reasoning)


def _choice(asked: Asked, behaviour: Behaviour, seed: str) -> Choice:
    if behaviour.refusal is not None:
        return Choice("stop", refusal=behaviour.refusal, tokens=tokens_in(behaviour.refusal))
    wanted = max(behaviour.calls, int(asked.must_call))
    if wanted and asked.tools:
        return _calls(asked, behaviour, wanted)
    if behaviour.say is None and asked.schema is not None:
        text = json.dumps(instance(asked.schema) or {}, ensure_ascii=False)
        return _text(fragments(text, 4), asked, behaviour)
    return _text(_pieces(behaviour, seed), asked, behaviour)


def _pieces(behaviour: Behaviour, seed: str) -> tuple[str, ...]:
    if behaviour.say is not None:
        return spoken(behaviour.say)
    return numbered(behaviour.tokens) if behaviour.text == "numbered" else words(behaviour.tokens, seed)


def _text(pieces: tuple[str, ...], asked: Asked, behaviour: Behaviour) -> Choice:
    finish: Finish = "stop"
    if asked.max_tokens is not None and len(pieces) > asked.max_tokens:
        pieces, finish = pieces[: asked.max_tokens], "length"
    if asked.stop:
        pieces, finish = _stopped(pieces, asked.stop, finish)
    return Choice(behaviour.finish or finish, pieces, tokens=len(pieces))


def _stopped(pieces: tuple[str, ...], stop: tuple[str, ...], finish: Finish) -> tuple[tuple[str, ...], Finish]:
    """The text up to the first stop string, which itself is not said."""
    text = "".join(pieces)
    ends = [place for each in stop if each and (place := text.find(each)) >= 0]
    if not ends:
        return pieces, finish
    left = min(ends)
    kept: list[str] = []
    for piece in pieces:
        if left <= 0:
            break
        kept.append(piece[:left])
        left -= len(piece)
    return tuple(kept), "stop"


def _calls(asked: Asked, behaviour: Behaviour, wanted: int) -> Choice:
    wanted = wanted if asked.parallel else 1
    tools = [asked.tools[index % len(asked.tools)] for index in range(wanted)]
    calls = tuple(Call(tool.name, behaviour.arguments or _arguments(tool)) for tool in tools)
    tokens = sum(tokens_in(call.name) + tokens_in(call.arguments) for call in calls)
    return Choice(behaviour.finish or "tool_calls", calls=calls, tokens=tokens)


def _arguments(tool: Tool) -> str:
    return _arguments_for(json.dumps(tool.parameters, sort_keys=True))


@lru_cache(256)
def _arguments_for(schema: str) -> str:
    return json.dumps(instance(json.loads(schema)) or {}, ensure_ascii=False)
