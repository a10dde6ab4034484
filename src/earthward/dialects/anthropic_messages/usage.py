"""Token counts, both ways. Here the input leaves out what was cached; in the vocabulary it is part of the input."""

from typing import Any

import msgspec

from earthward.chat import Count, Usage
from earthward.chat.usage import UNKNOWN


def read_usage(wire: Any) -> Usage:
    """The counts that are there; what is missing, null or no number is unknown."""
    if not isinstance(wire, dict):
        return Usage()
    fresh = _count(wire, "input_tokens")
    cached = _count(wire, "cache_read_input_tokens")
    written = _count(wire, "cache_creation_input_tokens")
    whole = Count.reported(fresh.tokens + cached.tokens + written.tokens) if fresh.is_known else UNKNOWN
    reasoning = _count(wire.get("output_tokens_details"), "thinking_tokens")
    hour = _count(wire.get("cache_creation"), "ephemeral_1h_input_tokens")
    return Usage(whole, _count(wire, "output_tokens"), cached, written, reasoning, min(hour.tokens, written.tokens))


class UsageOfStream:
    """What the events of one stream say together: each count is a total so far, and stands until another is given."""

    __slots__ = ("_has_output", "_wire")

    def __init__(self) -> None:
        self._wire: dict[str, Any] = {}
        self._has_output = False

    @property
    def total(self) -> Usage:
        return read_usage(self._wire)

    @property
    def so_far(self) -> Usage:
        """While there is no end. What the beginning counts of the output is a token or none, however long it gets."""
        return self.total if self._has_output else msgspec.structs.replace(self.total, output=UNKNOWN)

    def begin(self, wire: Any) -> None:
        """What the event says that begins a message."""
        has_output = self._has_output
        self.add(wire)
        self._has_output = has_output

    def add(self, wire: Any) -> None:
        if not isinstance(wire, dict):
            return
        self._has_output = self._has_output or bool(wire.get("output_tokens"))
        for name, value in wire.items():
            # Some servers give zeros for what they counted before, and null for what they do not count.
            if value or name not in self._wire:
                self._wire[name] = value


def wire_usage(usage: Usage) -> dict[str, Any]:
    """What is known; `whole_usage` is for where input and output must be there."""
    wire: dict[str, Any] = {}
    if usage.input.is_known:
        wire["input_tokens"] = max(0, usage.input.tokens - usage.cached.tokens - usage.cache_written.tokens)
    if usage.cache_written.is_known:
        wire["cache_creation_input_tokens"] = usage.cache_written.tokens
    if usage.cached.is_known:
        wire["cache_read_input_tokens"] = usage.cached.tokens
    if usage.output.is_known:
        wire["output_tokens"] = usage.output.tokens
    if usage.reasoning.is_known:
        wire["output_tokens_details"] = {"thinking_tokens": usage.reasoning.tokens}
    return wire


def whole_usage(usage: Usage) -> dict[str, Any]:
    """Clients take both numbers without asking whether they are there, so what is not known is a zero."""
    return {"input_tokens": 0, "output_tokens": 0, **wire_usage(usage)}


def _count(wire: Any, name: str) -> Count:
    tokens = wire.get(name) if isinstance(wire, dict) else None
    if isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 0:
        return UNKNOWN
    return Count.reported(tokens)
