"""Why an answer ended, both ways."""

from earthward.chat import Failure, FailureKind, FinishReason

_READ: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "filtered",
}

_WRITTEN: dict[FinishReason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "context": "length",
    "tool_calls": "tool_calls",
    "filtered": "content_filter",
    "paused": "stop",
}

_NO_END = frozenset({"error", "abort"})
"""What vLLM, SGLang and OpenRouter say of an answer that was not finished at all."""


def read_reason(wire: str | None, called: bool) -> FinishReason:
    """The reason in our words; one that is missing or unknown is a natural end.

    `called` is whether the answer calls tools: then `stop` means that too. OpenAI says `stop` when it was told which
    function to call, others at any time, and clients of other dialects would not run the tool.
    """
    reason = _READ.get(wire or "stop", "stop")
    return "tool_calls" if called and reason == "stop" else reason


def written_reason(reason: FinishReason, functions: bool = False) -> str:
    """`functions` for a client that still speaks of `functions` instead of tools."""
    return "function_call" if functions and reason == "tool_calls" else _WRITTEN[reason]


def failure_in(wire: str | None) -> Failure | None:
    if wire not in _NO_END:
        return None
    return Failure(FailureKind.UPSTREAM_ERROR, f"the provider gave the answer up (finish_reason {wire!r})")
