"""Errors, both ways, in Google's shape. The status code decides; words are only looked at where one status means
several things: Google says 400 to a bad key and to a prompt that is too long alike.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.refusals import (
    LONGEST_MESSAGE,
    NO_ACCESS,
    NO_REASON,
    kind_of_status,
    status_in,
    status_to_tell,
    text,
    unexplained,
)
from earthward.dialects.retry_after import LONGEST_WAIT, Headers, retry_after, retry_headers

_TOO_LONG = "exceeds the maximum number of tokens allowed"
_TYPE = "type.googleapis.com/google.rpc."

_KINDS_BY_WORD = {
    "INVALID_ARGUMENT": FailureKind.BAD_REQUEST,
    "OUT_OF_RANGE": FailureKind.BAD_REQUEST,
    # A country that is not served, an account without billing: nothing the caller could mend.
    "FAILED_PRECONDITION": FailureKind.UPSTREAM_ERROR,
    "UNAUTHENTICATED": FailureKind.UPSTREAM_AUTH,
    "PERMISSION_DENIED": FailureKind.UPSTREAM_AUTH,
    "NOT_FOUND": FailureKind.NO_SUCH_MODEL,
    "ABORTED": FailureKind.CONFLICT,
    "ALREADY_EXISTS": FailureKind.CONFLICT,
    "RESOURCE_EXHAUSTED": FailureKind.RATE_LIMITED,
    "UNAVAILABLE": FailureKind.OVERLOADED,
    "DEADLINE_EXCEEDED": FailureKind.TIMEOUT,
}
"""`status` of an error. Without a number it says the kind; with one, only `FAILED_PRECONDITION` refines it."""

_KINDS_BY_REASON = {
    "API_KEY_INVALID": FailureKind.UPSTREAM_AUTH,
    "API_KEY_EXPIRED": FailureKind.UPSTREAM_AUTH,
    "BILLING_DISABLED": FailureKind.PAYMENT,
}

_WORDS_IN_MESSAGES = (
    (_TOO_LONG, FailureKind.CONTEXT_LENGTH),
    ("input token count", FailureKind.CONTEXT_LENGTH),
    ("API key not valid", FailureKind.UPSTREAM_AUTH),
    ("API key expired", FailureKind.UPSTREAM_AUTH),
)
"""What a bad request may also mean."""


class _Shape(msgspec.Struct, frozen=True):
    code: int
    status: str
    reason: str | None
    retry: bool


_SHAPES = {
    FailureKind.BAD_REQUEST: _Shape(400, "INVALID_ARGUMENT", None, False),
    FailureKind.UNSUPPORTED: _Shape(400, "INVALID_ARGUMENT", "unsupported", False),
    FailureKind.CONTEXT_LENGTH: _Shape(400, "INVALID_ARGUMENT", "context_length_exceeded", False),
    FailureKind.PROMPT_CUT: _Shape(400, "INVALID_ARGUMENT", "context_length_exceeded", False),
    FailureKind.TOO_LARGE: _Shape(413, "INVALID_ARGUMENT", "request_too_large", False),
    FailureKind.BAD_KEY: _Shape(401, "UNAUTHENTICATED", "API_KEY_INVALID", False),
    FailureKind.FORBIDDEN: _Shape(403, "PERMISSION_DENIED", "forbidden", False),
    FailureKind.NO_SUCH_MODEL: _Shape(404, "NOT_FOUND", "model_not_found", False),
    FailureKind.NO_SUCH_PATH: _Shape(404, "NOT_FOUND", "unknown_url", False),
    FailureKind.METHOD_NOT_ALLOWED: _Shape(405, "INVALID_ARGUMENT", "method_not_supported", False),
    FailureKind.CONFLICT: _Shape(409, "ABORTED", None, True),
    # The gateway's own credentials or its account at the provider: nothing the caller could mend.
    FailureKind.UPSTREAM_AUTH: _Shape(502, "UNAVAILABLE", "upstream_auth", False),
    FailureKind.PAYMENT: _Shape(429, "RESOURCE_EXHAUSTED", "insufficient_quota", False),
    FailureKind.RATE_LIMITED: _Shape(429, "RESOURCE_EXHAUSTED", "rate_limit_exceeded", True),
    FailureKind.OVERLOADED: _Shape(503, "UNAVAILABLE", "overloaded", True),
    FailureKind.UPSTREAM_ERROR: _Shape(502, "INTERNAL", "upstream_error", True),
    FailureKind.UNREACHABLE: _Shape(502, "UNAVAILABLE", "upstream_unreachable", True),
    FailureKind.RESET: _Shape(502, "UNAVAILABLE", "upstream_reset", True),
    FailureKind.TIMEOUT: _Shape(504, "DEADLINE_EXCEEDED", "upstream_timeout", True),
    FailureKind.MALFORMED: _Shape(502, "INTERNAL", "upstream_malformed", True),
    FailureKind.WRONG_FORM: _Shape(502, "INTERNAL", "wrong_form", True),
    FailureKind.BROKEN_STREAM: _Shape(502, "INTERNAL", "upstream_broken_stream", True),
    FailureKind.NO_TARGET: _Shape(503, "UNAVAILABLE", "no_target", False),
    FailureKind.DRAINING: _Shape(503, "UNAVAILABLE", "draining", True),
    FailureKind.LEDGER_DOWN: _Shape(503, "UNAVAILABLE", "ledger_down", True),
    FailureKind.INTERNAL: _Shape(500, "INTERNAL", "internal_error", True),
    FailureKind.CLIENT_GONE: _Shape(499, "CANCELLED", "client_gone", False),
    FailureKind.PROCESS_DIED: _Shape(500, "INTERNAL", "internal_error", True),
}


def failure_of(status: int, headers: Headers, body: bytes) -> Failure:
    """Why the upstream refused. Headers have lower-case names, as ours always do."""
    try:
        wire = msgspec.json.decode(body)
    except NOT_JSON:
        return unexplained(status, headers)
    # Errors of streams stand in an array.
    if isinstance(wire, list) and len(wire) == 1:
        wire = wire[0]
    error = wire.get("error") if isinstance(wire, dict) else None
    return _failure(error, status, retry_after(headers)) if error else unexplained(status, headers)


def failure_of_error(error: Any) -> Failure:
    """Why a stream or an answer with status 200 has an `error` in it."""
    return _failure(error, status_in(error), None)


def write_failure(failure: Failure, array: bool = False) -> tuple[int, Headers, bytes]:
    """Status, headers and body. `array` is for a stream that was to come as one JSON array."""
    shape = _SHAPES[failure.kind]
    headers = [
        (b"content-type", b"application/json"),
        (b"x-should-retry", b"true" if shape.retry else b"false"),
        *retry_headers(failure.retry_after),
    ]
    body = error_body(failure)
    return status_to_tell(failure, shape.code), headers, b"[%b]" % body if array else body


def error_event(failure: Failure, array: bool = False, is_first: bool = False) -> bytes:
    """The last event of a stream that has begun and cannot be finished; the SDKs raise on it.

    Of an `array` the last element, with what closes it; `is_first` is whether nothing of the array was sent yet.
    """
    body = error_body(failure)
    if array:
        return (b"[%b]" if is_first else b",\r\n%b]") % body
    return b"data: %b\r\n\r\n" % body


def error_body(failure: Failure) -> bytes:
    shape = _SHAPES[failure.kind]
    error = {
        "code": status_to_tell(failure, shape.code),
        "message": _message(failure),
        "status": shape.status,
        "details": _details(failure, shape),
    }
    return msgspec.json.encode({"error": error})


def _details(failure: Failure, shape: _Shape) -> list[dict[str, Any]]:
    details: list[dict[str, Any]] = []
    reason = failure.code if failure.code is not None else shape.reason
    if reason is not None:
        metadata = {"metadata": {"field": failure.param}} if failure.param is not None else {}
        details.append({"@type": f"{_TYPE}ErrorInfo", "reason": reason, "domain": "earthward", **metadata})
    if failure.retry_after is not None:
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{failure.retry_after:.3f}s"})
    return details


def _message(failure: Failure) -> str:
    """Clients that make a conversation shorter and try again know that they must by these words only."""
    if failure.kind in (FailureKind.CONTEXT_LENGTH, FailureKind.PROMPT_CUT) and _TOO_LONG not in failure.message:
        return f"The input token count {_TOO_LONG}: {failure.message}"
    return f"{failure.param}: {failure.message}" if failure.param else failure.message


def _failure(error: Any, status: int | None, after: float | None) -> Failure:
    fields: Mapping[str, Any] = error if isinstance(error, dict) else {"message": error}
    message = text(fields.get("message")) or NO_REASON
    details = [detail for detail in _list(fields.get("details")) if isinstance(detail, dict)]
    reason = next((reason for detail in details if (reason := text(detail.get("reason")))), None)
    kind = _kind(status, text(fields.get("status")), reason, message)
    after = after if after is not None else _delay_in(details)
    if kind is FailureKind.UPSTREAM_AUTH:
        # Providers quote parts of the key, or the account's name.
        return Failure(kind, NO_ACCESS, status, retry_after=after)
    return Failure(kind, message[:LONGEST_MESSAGE], status, reason, None, after, quoted=True)


def _kind(status: int | None, word: str | None, reason: str | None, message: str) -> FailureKind:
    if reason in _KINDS_BY_REASON and (status is None or status < 500):
        return _KINDS_BY_REASON[reason]
    if status is None or (word == "FAILED_PRECONDITION" and status < 500):
        kind = _KINDS_BY_WORD.get(word or "", FailureKind.UPSTREAM_ERROR)
    else:
        kind = kind_of_status(status)
    if kind is FailureKind.BAD_REQUEST:
        return next((kind for words, kind in _WORDS_IN_MESSAGES if words in message), kind)
    return kind


def _delay_in(details: list[dict[str, Any]]) -> float | None:
    """Seconds, from a duration such as "34.5s"."""
    for detail in details:
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and delay.endswith("s") and delay[:-1].replace(".", "", 1).isdecimal():
            return min(float(delay[:-1]), LONGEST_WAIT)
    return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
