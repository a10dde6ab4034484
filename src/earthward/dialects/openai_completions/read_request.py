"""A request read into the vocabulary, as a conversation of one turn.

To continue a text is not to answer it; but all models that are left are made for conversations, and what asks in the
old way asks them. What only the old way can do is a failure.
"""

from typing import Any

import msgspec

from earthward.chat import ChatRequest, Failure, FailureKind, Message, Role, Sampling, Text
from earthward.dialects.inexpressible import Inexpressible, answers_asked
from earthward.dialects.json_limits import LIMITS, NOT_JSON, JsonLimits, excess
from earthward.dialects.unreadable import unreadable


class _Request(msgspec.Struct):
    model: str
    prompt: str | list[Any] | None = None
    suffix: str | None = None
    echo: bool | None = None
    best_of: int | None = None
    n: int | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    logprobs: int | None = None
    stream: bool | None = None
    stream_options: dict[str, Any] | None = None
    user: str | None = None


_KNOWN = frozenset(_Request.__struct_fields__)
MAX_TOKENS = 16
"""The cap that requests in the old way have unless they set another."""


def read_request(body: bytes, limits: JsonLimits = LIMITS) -> ChatRequest | Failure:
    """The request, or what is wrong with it, with the place in `param`."""
    too_much = excess(body, limits)
    if too_much is not None:
        return Failure(FailureKind.BAD_REQUEST, f"the request body has {too_much}")
    try:
        raw = msgspec.json.decode(body)
        return _request(msgspec.convert(raw, _Request), raw)
    except Inexpressible as error:
        return error.failure
    except NOT_JSON as error:
        return unreadable(error)


def _request(wire: _Request, raw: dict[str, Any]) -> ChatRequest:
    answers = answers_asked(wire.n, "n")
    _refuse(wire, answers)
    return ChatRequest(
        model=wire.model,
        messages=(Message(Role.USER, (Text(_prompt(wire.prompt)),)),),
        sampling=_sampling(wire),
        max_tokens=wire.max_tokens if wire.max_tokens is not None else MAX_TOKENS,
        answers=answers,
        logprobs=wire.logprobs is not None,
        top_logprobs=wire.logprobs,
        stream=bool(wire.stream),
        stream_usage=(wire.stream_options or {}).get("include_usage") is True,
        user=wire.user,
        rest={name: value for name, value in raw.items() if name not in _KNOWN and value is not None},
    )


def _sampling(wire: _Request) -> Sampling:
    stops = [wire.stop] if isinstance(wire.stop, str) else wire.stop or ()
    return Sampling(
        temperature=wire.temperature,
        top_p=wire.top_p,
        top_k=wire.top_k,
        min_p=wire.min_p,
        frequency_penalty=wire.frequency_penalty,
        presence_penalty=wire.presence_penalty,
        seed=wire.seed,
        # An empty one asks for nothing, and some engines find it at once.
        stop=tuple(filter(None, stops)),
    )


def _prompt(prompt: str | list[Any] | None) -> str:
    match prompt:
        case str():
            return prompt
        case [str(text)]:
            return text
        case None | []:
            raise Inexpressible("you must give a `prompt`", "prompt", FailureKind.BAD_REQUEST)
        case [str(), *_]:
            raise Inexpressible("only one prompt can be translated; send them one by one", "prompt")
    raise Inexpressible("token numbers mean something to one model only; send the text", "prompt")


def _refuse(wire: _Request, answers: int) -> None:
    if wire.suffix:
        raise Inexpressible("a text before and after a gap cannot be translated; ask for it in words", "suffix")
    if wire.echo:
        raise Inexpressible("the prompt cannot be given back with its answer; put it there yourself", "echo")
    if wire.best_of is not None and wire.best_of > answers:
        raise Inexpressible("the best of several answers cannot be chosen; ask for them with `n`", "best_of")
