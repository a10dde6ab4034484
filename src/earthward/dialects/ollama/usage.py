"""Token counts and durations, both ways. Here too the input includes what was cached, and the output what was thought.

Ollama leaves out what is zero, and old versions left out what they had cached: what is missing is unknown.
"""

from typing import Any

import msgspec

from earthward.chat import Count, Usage
from earthward.chat.usage import UNKNOWN, Source

REPORTED = Source.REPORTED


class Durations(msgspec.Struct, frozen=True, omit_defaults=True):
    """In nanoseconds; None if not known."""

    total_duration: int | None = None
    load_duration: int | None = None
    prompt_eval_duration: int | None = None
    eval_duration: int | None = None


DURATIONS = Durations.__struct_fields__


def read_usage(prompt: Any, answer: Any, cached: Any) -> Usage:
    return Usage(_count(prompt), _count(answer), UNKNOWN if cached is None else _count(cached))


def read_durations(wire: Any) -> Durations:
    """Of anything with attributes named so."""
    return Durations(**{name: _whole_number(getattr(wire, name)) for name in DURATIONS})


def wire_counters(usage: Usage, durations: Durations) -> dict[str, int]:
    """Both, in the order in which Ollama writes them; what is not known is left out, as there."""
    counters = {
        "total_duration": durations.total_duration,
        "load_duration": durations.load_duration,
        "prompt_eval_count": _tokens(usage.input),
        "prompt_eval_cached_count": _tokens(usage.cached),
        "prompt_eval_duration": durations.prompt_eval_duration,
        "eval_count": _tokens(usage.output),
        "eval_duration": durations.eval_duration,
    }
    return {name: value for name, value in counters.items() if value is not None}


def fills_context(usage: Usage, num_ctx: int | None) -> bool:
    return num_ctx is not None and usage.input.is_known and usage.input.tokens + usage.output.tokens >= num_ctx


def _count(value: Any) -> Count:
    # The exact type: True is an int, and no count.
    return Count(value, REPORTED) if type(value) is int and value >= 0 else UNKNOWN


def _whole_number(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


def _tokens(count: Count) -> int | None:
    return count.tokens if count.is_known else None
