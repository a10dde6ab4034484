"""Why a response ended, both ways: a status, and for one that is not complete the reason."""

from typing import Any

from earthward.chat import FinishReason

_READ: dict[str, FinishReason] = {"max_output_tokens": "length", "content_filter": "filtered"}
_INCOMPLETE: dict[FinishReason, str] = {
    "length": "max_output_tokens",
    "context": "max_output_tokens",
    "filtered": "content_filter",
}


def read_reason(status: Any, details: Any, called: bool) -> FinishReason:
    """`called` is whether the response calls tools."""
    reason = details.get("reason") if isinstance(details, dict) else None
    if status == "incomplete":
        # There may be new reasons; all of them mean that something is missing.
        return _READ.get(reason, "length") if isinstance(reason, str) else "length"
    return "tool_calls" if called else "stop"


def written_status(reason: FinishReason) -> str:
    return "incomplete" if reason in _INCOMPLETE else "completed"


def incomplete_details(reason: FinishReason) -> dict[str, str] | None:
    return {"reason": _INCOMPLETE[reason]} if reason in _INCOMPLETE else None
