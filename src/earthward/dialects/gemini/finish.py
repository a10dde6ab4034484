"""Why an answer ended, both ways."""

from earthward.chat import Failure, FailureKind, FinishReason

_READ: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "filtered",
    "RECITATION": "filtered",
    "LANGUAGE": "filtered",
    "BLOCKLIST": "filtered",
    "PROHIBITED_CONTENT": "filtered",
    "SPII": "filtered",
    "MODEL_ARMOR": "filtered",
    "ESCALATION": "filtered",
    "IMAGE_SAFETY": "filtered",
    "IMAGE_PROHIBITED_CONTENT": "filtered",
    "IMAGE_RECITATION": "filtered",
    "CONTINUATION": "paused",
}

FILTERED = frozenset(word for word, reason in _READ.items() if reason == "filtered")

_WRITTEN: dict[FinishReason, str] = {
    "stop": "STOP",
    "stop_sequence": "STOP",
    "length": "MAX_TOKENS",
    "context": "MAX_TOKENS",
    "tool_calls": "STOP",
    "filtered": "SAFETY",
    "paused": "CONTINUATION",
}

_NO_ANSWER = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
        "TOO_MANY_TOOL_CALLS",
        "UNEXPECTED_TOOL_CALL",
    }
)
"""What Google says where the model wrote something that cannot be passed on: another may do better."""

MALFORMED_CALL = "MALFORMED_FUNCTION_CALL"


def read_reason(wire: str, called: bool) -> FinishReason:
    """The reason in our words; one that is unknown is a natural end. `called` is whether the answer calls functions."""
    reason = _READ.get(wire, "stop")
    return "tool_calls" if called and reason == "stop" else reason


def written_reason(reason: FinishReason) -> str:
    return _WRITTEN[reason]


def failure_in(wire: str | None, message: str | None) -> Failure | None:
    if wire not in _NO_ANSWER:
        return None
    told = f": {message}" if message else ""
    return Failure(FailureKind.MALFORMED, f"the model's answer cannot be used ({wire}{told})", quoted=bool(message))
