"""Why an answer ended, both ways."""

from earthward.chat import FinishReason

_READ: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "context",
    "tool_use": "tool_calls",
    "refusal": "filtered",
    "pause_turn": "paused",
}

_WRITTEN = {reason: word for word, reason in _READ.items()}


def read_reason(wire: str | None, called: bool, stop_sequence: str | None) -> FinishReason:
    """The reason in our words; one that is missing or unknown is a natural end.

    `called` is whether the answer calls tools: then a natural end means that. llama.cpp says `end_turn` for an answer
    that a stop sequence ended, and names the sequence.
    """
    reason = _READ.get(wire or "end_turn", "stop")
    if reason != "stop":
        return reason
    if called:
        return "tool_calls"
    return "stop" if stop_sequence is None else "stop_sequence"


def written_reason(reason: FinishReason, refused: bool) -> str:
    """`refused` is whether the model said no in words that its own dialect marks as a refusal."""
    return "refusal" if refused and reason == "stop" else _WRITTEN[reason]
