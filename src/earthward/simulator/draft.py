"""What a simulated model says to a request, before any vendor's wire format."""

import json
from functools import lru_cache
from typing import Any

import msgspec

from earthward.simulator.behaviour import Behaviour, Finish
from earthward.simulator.schemas import instance
from earthward.simulator.text import fragments, numbered, spoken, tokens_in, words


class Tool(msgspec.Struct, frozen=True):
    """A `custom` one takes free text."""

    name: str
    parameters: Any = None
    custom: bool = False


class Asked(msgspec.Struct, frozen=True):
    """A request as far as an answer depends on it.

    `model` is without a directive, which is in `directives` with that of the last user message. `tools` are those
    the caller allows, empty where it forbids calls; `must_call` where one is demanded. `schema` is what the answer
    has to obey, `{}` for any JSON object. `thinks`: thoughts are shown, forbidden or, if None, counted but not
    shown. `searches`: the web may be searched, so that the answer says which pages it rests on. `digest` stands for
    the whole body; `own` is for the vendor that read the request.
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
    thinks: bool | None = None
    searches: bool = False
    own: Any = None


class Call(msgspec.Struct, frozen=True):
    """The arguments of a `custom` one are free text."""

    name: str
    arguments: str
    custom: bool = False


class Choice(msgspec.Struct, frozen=True):
    """One answer: `pieces` of text, a token each, or `calls`, or a `refusal`. `stop` is the string that ended it."""

    finish: Finish
    pieces: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    refusal: str | None = None
    tokens: int = 0
    stop: str | None = None


class Draft(msgspec.Struct, frozen=True):
    """`input` includes `cached` and `cache_written`, `output` includes `reasoning`; all in tokens.

    `thoughts` are the tokens of reasoning where they are shown. The text rests on `cited` pages of the web.
    """

    choices: tuple[Choice, ...]
    input: int
    output: int
    cached: int = 0
    reasoning: int = 0
    cache_written: int = 0
    thoughts: tuple[str, ...] = ()
    cited: int = 0

    @property
    def hidden(self) -> int:
        """Tokens of output that no piece of the answer shows."""
        return 0 if self.thoughts else self.reasoning


# What a model thinks that was asked to show its thoughts, and whose script says nothing of them.
_THOUGHTS = 8
_FREE_TEXT = "print(1)"


def draft(asked: Asked, behaviour: Behaviour, seed: int) -> Draft:
    """The same request, behaviour and seed give the same draft."""
    choices = tuple(_choice(asked, behaviour, f"{seed}:{index}:{asked.digest}") for index in range(asked.answers))
    reasoning = 0 if asked.thinks is False else behaviour.reasoning or (_THOUGHTS if asked.thinks else 0)
    cached = min(behaviour.cached, asked.input)
    return Draft(
        choices=choices,
        input=asked.input,
        output=sum(choice.tokens for choice in choices) + reasoning,
        cached=cached,
        reasoning=reasoning,
        cache_written=min(behaviour.cache_written, asked.input - cached),
        thoughts=numbered(reasoning) if asked.thinks else (),
        cited=behaviour.cited or int(asked.searches),
    )


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
    stop = None
    if asked.max_tokens is not None and len(pieces) > asked.max_tokens:
        pieces, finish = pieces[: asked.max_tokens], "length"
    if asked.stop:
        pieces, stop = _stopped(pieces, asked.stop)
    finish = "stop" if stop else finish
    return Choice(behaviour.finish or finish, pieces, tokens=len(pieces), stop=stop)


def _stopped(pieces: tuple[str, ...], stop: tuple[str, ...]) -> tuple[tuple[str, ...], str | None]:
    """The text up to the first stop string, which itself is not said, and that string."""
    text = "".join(pieces)
    ends = [(place, each) for each in stop if each and (place := text.find(each)) >= 0]
    if not ends:
        return pieces, None
    left, found = min(ends)
    kept: list[str] = []
    for piece in pieces:
        if left <= 0:
            break
        kept.append(piece[:left])
        left -= len(piece)
    return tuple(kept), found


def _calls(asked: Asked, behaviour: Behaviour, wanted: int) -> Choice:
    wanted = wanted if asked.parallel else 1
    tools = [asked.tools[index % len(asked.tools)] for index in range(wanted)]
    calls = tuple(Call(tool.name, behaviour.arguments or _arguments(tool), tool.custom) for tool in tools)
    tokens = sum(tokens_in(call.name) + tokens_in(call.arguments) for call in calls)
    return Choice(behaviour.finish or "tool_calls", calls=calls, tokens=tokens)


def _arguments(tool: Tool) -> str:
    if tool.custom:
        return _FREE_TEXT
    return _arguments_for(json.dumps(tool.parameters, sort_keys=True))


@lru_cache(256)
def _arguments_for(schema: str) -> str:
    return json.dumps(instance(json.loads(schema)) or {}, ensure_ascii=False)
