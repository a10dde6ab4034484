"""Token counts, both ways. Here the output leaves out what was thought; in the vocabulary it is part of the output.

Google leaves out what is zero; a count that is missing is worked out from the total where there is one.
"""

from typing import Any

from earthward.chat import Count, Usage
from earthward.chat.usage import UNKNOWN


def read_usage(wire: Any) -> Usage:
    """The counts that are there; what is missing, null or no number is unknown."""
    if not isinstance(wire, dict):
        return Usage()
    prompt, tools = _count(wire, "promptTokenCount"), _count(wire, "toolUsePromptTokenCount")
    answer, thoughts = _count(wire, "candidatesTokenCount"), _count(wire, "thoughtsTokenCount")
    total = _count(wire, "totalTokenCount")
    asked = Count.reported(prompt.tokens + tools.tokens) if prompt.is_known else UNKNOWN
    output = UNKNOWN
    if answer.is_known or thoughts.is_known:
        output = Count.reported(answer.tokens + thoughts.tokens)
    elif total.is_known and asked.is_known:
        output = Count.reported(max(0, total.tokens - asked.tokens))
    return Usage(asked, output, _count(wire, "cachedContentTokenCount"), reasoning=thoughts)


def wire_usage(usage: Usage) -> dict[str, int] | None:
    """None if neither input nor output is known."""
    if not (usage.input.is_known or usage.output.is_known):
        return None
    answer = max(0, usage.output.tokens - usage.reasoning.tokens)
    wire = {
        "promptTokenCount": usage.input.tokens,
        "candidatesTokenCount": answer,
        "totalTokenCount": usage.input.tokens + max(usage.output.tokens, usage.reasoning.tokens),
    }
    if usage.cached.is_known:
        wire["cachedContentTokenCount"] = usage.cached.tokens
    if usage.reasoning.is_known:
        wire["thoughtsTokenCount"] = usage.reasoning.tokens
    return wire


def _count(wire: dict[str, Any], name: str) -> Count:
    tokens = wire.get(name)
    # The exact type: True is an int, and no count.
    return Count.reported(tokens) if type(tokens) is int and tokens >= 0 else UNKNOWN
