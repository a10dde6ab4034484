"""Token counts, both ways. Here the input includes what was cached, and the output what was reasoned."""

from typing import Any

from earthward.chat import Count, Usage
from earthward.chat.usage import UNKNOWN


def read_usage(wire: Any) -> Usage:
    """The counts that are there; what is missing, null or no number is unknown."""
    wire = _members(wire)
    inputs, outputs = _members(wire.get("input_tokens_details")), _members(wire.get("output_tokens_details"))
    return Usage(
        input=_count(wire.get("input_tokens")),
        output=_count(wire.get("output_tokens")),
        cached=_count(inputs.get("cached_tokens")),
        cache_written=_count(inputs.get("cache_write_tokens")),
        reasoning=_count(outputs.get("reasoning_tokens")),
    )


def wire_usage(usage: Usage) -> dict[str, Any] | None:
    """None if neither input nor output is known. Of the rest every number has to be there, so zero if not known."""
    if not (usage.input.is_known or usage.output.is_known):
        return None
    return {
        "input_tokens": usage.input.tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached.tokens,
            "cache_write_tokens": usage.cache_written.tokens,
        },
        "output_tokens": usage.output.tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning.tokens},
        "total_tokens": usage.input.tokens + usage.output.tokens,
    }


def _members(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> Count:
    # The exact type: True is an int, and no count.
    return Count.reported(value) if type(value) is int and value >= 0 else UNKNOWN
