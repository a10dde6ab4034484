"""Errors, both ways. Where there is no stream they are those of OpenAI's other dialects; a stream has two of its own:
a response that failed, and an event `error`.
"""

from typing import Any

from earthward.chat import Failure
from earthward.dialects.openai_chat.errors import failure_of, wire_error, write_failure
from earthward.dialects.openai_chat.errors import failure_of_error as _failure_of_error

Wire = dict[str, Any]

_CODES = {
    "rate_limited": "rate_limit_exceeded",
    "payment": "rate_limit_exceeded",
    "bad_request": "invalid_prompt",
    "unsupported": "invalid_prompt",
    "context_length": "invalid_prompt",
}
"""Codes of a response that failed are few, and closed."""

__all__ = ["error_fields", "failed_code", "failure_of", "failure_of_error", "write_failure"]


def failure_of_error(error: Any) -> Failure:
    """Why a response failed. A response that failed without a word is one all the same."""
    if isinstance(error, dict) and error.get("code") == "server_error":
        error = {**error, "type": error.get("type") or "server_error"}
    return _failure_of_error(error)


def failed_code(failure: Failure) -> Wire:
    return {"code": _CODES.get(failure.kind, "server_error"), "message": failure.message}


def error_fields(failure: Failure) -> Wire:
    """An event `error` says it twice: at the top, as documented, and under `error`, on which the SDKs raise."""
    error = wire_error(failure)
    return {"code": error["code"], "message": error["message"], "param": error["param"], "error": error}
