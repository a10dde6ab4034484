"""Token counts, both ways. Here the input includes what was cached, and the output what was reasoned."""

from typing import Annotated, Any

import msgspec

from earthward.chat import Count, Usage
from earthward.chat.usage import UNKNOWN, Source

NOTHING = Usage()
NO_DETAILS: dict[str, Any] = {}
REPORTED = Source.REPORTED


Tokens = Annotated[int, msgspec.Meta(ge=0)]


class _OfPrompt(msgspec.Struct, gc=False):
    cached_tokens: Tokens | None = None
    cache_write_tokens: Tokens | None = None


class _OfCompletion(msgspec.Struct, gc=False):
    reasoning_tokens: Tokens | None = None


def read_usage(wire: Any) -> Usage:
    """The counts that are there; what is missing, null or no number is unknown."""
    if type(wire) is not dict:
        return NOTHING
    prompt, completion = wire.get("prompt_tokens_details"), wire.get("completion_tokens_details")
    if type(prompt) is not dict:
        prompt = NO_DETAILS
    if type(completion) is not dict:
        completion = NO_DETAILS
    counts = (
        wire.get("prompt_tokens"),
        wire.get("completion_tokens"),
        prompt.get("cached_tokens"),
        prompt.get("cache_write_tokens"),
        completion.get("reasoning_tokens"),
    )
    # The exact type: True is an int, and no count.
    into, out, cached, written, reasoning = [
        Count(it, REPORTED) if type(it) is int and it >= 0 else UNKNOWN for it in counts
    ]
    return Usage(into, out, cached, written, reasoning)


class PlainUsage(msgspec.Struct, gc=False):
    """As it is told by all but the odd server. Anything else is no count, and is for `read_usage` to see."""

    prompt_tokens: Tokens | None = None
    completion_tokens: Tokens | None = None
    prompt_tokens_details: _OfPrompt | None = None
    completion_tokens_details: _OfCompletion | None = None

    @property
    def usage(self) -> Usage:
        into, out, cached, written, reasoning = self.prompt_tokens, self.completion_tokens, None, None, None
        if (prompt := self.prompt_tokens_details) is not None:
            cached, written = prompt.cached_tokens, prompt.cache_write_tokens
        if (completion := self.completion_tokens_details) is not None:
            reasoning = completion.reasoning_tokens
        return Usage(
            UNKNOWN if into is None else Count(into, REPORTED),
            UNKNOWN if out is None else Count(out, REPORTED),
            UNKNOWN if cached is None else Count(cached, REPORTED),
            UNKNOWN if written is None else Count(written, REPORTED),
            UNKNOWN if reasoning is None else Count(reasoning, REPORTED),
        )


class UsageOfStream:
    """What the chunks of one stream say together.

    A chunk with part of an answer counts what was used so far (vLLM, when asked to). One without counts the whole,
    and may come once for each answer (llama.cpp); where there is only one, the last such chunk counts.
    """

    __slots__ = ("_has_totals", "total")

    def __init__(self) -> None:
        self.total = Usage()
        self._has_totals = False

    def add(self, wire: Any, is_total: bool, answers: int = 1) -> None:
        """`answers` is how many have begun."""
        usage = read_usage(wire)
        self.total = _of_both(self.total, usage) if is_total and self._has_totals and answers > 1 else usage
        self._has_totals = self._has_totals or is_total


def wire_usage(usage: Usage) -> dict[str, Any] | None:
    """None if neither input nor output is known: the SDKs require both, and a made-up zero would be a lie."""
    into, out = usage.input, usage.output
    if not (into.is_known or out.is_known):
        return None
    wire: dict[str, Any] = {
        "prompt_tokens": into.tokens,
        "completion_tokens": out.tokens,
        "total_tokens": into.tokens + out.tokens,
    }
    # Most servers count no more than that, and what is unknown is mostly this very count.
    if usage.cached is not UNKNOWN or usage.cache_written is not UNKNOWN:
        prompt = _known(cached_tokens=usage.cached, cache_write_tokens=usage.cache_written)
        if prompt:
            wire["prompt_tokens_details"] = prompt
    if usage.reasoning is not UNKNOWN and usage.reasoning.is_known:
        wire["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning.tokens}
    return wire


def _of_both(one: Usage, other: Usage) -> Usage:
    """Two answers to one prompt: the prompt counts once."""
    return Usage(
        input=max(one.input, other.input, key=_tokens),
        output=_sum(one.output, other.output),
        cached=max(one.cached, other.cached, key=_tokens),
        cache_written=max(one.cache_written, other.cache_written, key=_tokens),
        reasoning=_sum(one.reasoning, other.reasoning),
    )


def _tokens(count: Count) -> int:
    return count.tokens if count.is_known else -1


def _sum(one: Count, other: Count) -> Count:
    return Count.reported(one.tokens + other.tokens) if one.is_known or other.is_known else UNKNOWN


def _known(**counts: Count) -> dict[str, int]:
    return {name: count.tokens for name, count in counts.items() if count.is_known}
