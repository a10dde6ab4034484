"""Errors, both ways. The status code decides; words are only looked at where one status means several things.

Reads what Anthropic and the servers that speak its dialect send: an `error` with its type, llama.cpp's with a number
for a code, OpenAI's form, an error that is only a string, no JSON at all (proxies).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects import sse
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.refusals import (
    KINDS,
    LONGEST_MESSAGE,
    NO_ACCESS,
    NO_REASON,
    kind_of_status,
    status_in,
    status_to_tell,
    text,
    unexplained,
)
from earthward.dialects.retry_after import Headers, retry_after, retry_headers

_TOO_LONG = "prompt is too long"

_KINDS = {**KINDS, 425: FailureKind.OVERLOADED, 529: FailureKind.OVERLOADED}

_KINDS_BY_WORD = {
    "exceed_context_size_error": FailureKind.CONTEXT_LENGTH,
    "context_length_exceeded": FailureKind.CONTEXT_LENGTH,
    "billing_error": FailureKind.PAYMENT,
    "invalid_request_error": FailureKind.BAD_REQUEST,
    "authentication_error": FailureKind.UPSTREAM_AUTH,
    "permission_error": FailureKind.UPSTREAM_AUTH,
    "not_found_error": FailureKind.NO_SUCH_MODEL,
    "conflict_error": FailureKind.CONFLICT,
    "request_too_large": FailureKind.TOO_LARGE,
    "rate_limit_error": FailureKind.RATE_LIMITED,
    "timeout_error": FailureKind.TIMEOUT,
    "overloaded_error": FailureKind.OVERLOADED,
    "unavailable_error": FailureKind.OVERLOADED,
}
"""`type` of an error. Without a status it says the kind; with one, only the first three refine it."""

_REFINING = ("exceed_context_size_error", "context_length_exceeded", "billing_error")

_WORDS_IN_MESSAGES = (
    (_TOO_LONG, FailureKind.CONTEXT_LENGTH),
    ("exceed context limit", FailureKind.CONTEXT_LENGTH),
    ("maximum context length", FailureKind.CONTEXT_LENGTH),
    ("exceeds the available context size", FailureKind.CONTEXT_LENGTH),
    ("exceed_context_size_error", FailureKind.CONTEXT_LENGTH),
    # Anthropic says this with status 400.
    ("credit balance is too low", FailureKind.PAYMENT),
    # Vertex AI, of models that can be asked but not counted for.
    ("not supported for token counting", FailureKind.UNSUPPORTED),
)
"""What a bad request may also mean."""


class _Shape(msgspec.Struct, frozen=True):
    status: int
    type: str
    code: str | None
    retry: bool


_SHAPES = {
    FailureKind.BAD_REQUEST: _Shape(400, "invalid_request_error", None, False),
    FailureKind.UNSUPPORTED: _Shape(400, "invalid_request_error", "unsupported", False),
    FailureKind.CONTEXT_LENGTH: _Shape(400, "invalid_request_error", "context_length_exceeded", False),
    FailureKind.PROMPT_CUT: _Shape(400, "invalid_request_error", "context_length_exceeded", False),
    FailureKind.TOO_LARGE: _Shape(413, "request_too_large", None, False),
    FailureKind.BAD_KEY: _Shape(401, "authentication_error", None, False),
    FailureKind.FORBIDDEN: _Shape(403, "permission_error", None, False),
    FailureKind.NO_SUCH_MODEL: _Shape(404, "not_found_error", "model_not_found", False),
    FailureKind.NO_SUCH_PATH: _Shape(404, "not_found_error", None, False),
    FailureKind.METHOD_NOT_ALLOWED: _Shape(405, "invalid_request_error", "method_not_supported", False),
    FailureKind.CONFLICT: _Shape(409, "conflict_error", None, True),
    # The gateway's own credentials or its account at the provider: nothing the caller could mend.
    FailureKind.UPSTREAM_AUTH: _Shape(502, "api_error", "upstream_auth", False),
    FailureKind.PAYMENT: _Shape(402, "billing_error", None, False),
    FailureKind.RATE_LIMITED: _Shape(429, "rate_limit_error", None, True),
    FailureKind.OVERLOADED: _Shape(529, "overloaded_error", None, True),
    FailureKind.UPSTREAM_ERROR: _Shape(502, "api_error", "upstream_error", True),
    FailureKind.UNREACHABLE: _Shape(502, "api_error", "upstream_unreachable", True),
    FailureKind.RESET: _Shape(502, "api_error", "upstream_reset", True),
    FailureKind.TIMEOUT: _Shape(504, "timeout_error", "upstream_timeout", True),
    FailureKind.MALFORMED: _Shape(502, "api_error", "upstream_malformed", True),
    FailureKind.WRONG_FORM: _Shape(502, "api_error", "wrong_form", True),
    FailureKind.BROKEN_STREAM: _Shape(502, "api_error", "upstream_broken_stream", True),
    FailureKind.NO_TARGET: _Shape(503, "api_error", "no_target", False),
    FailureKind.DRAINING: _Shape(503, "overloaded_error", "draining", True),
    FailureKind.LEDGER_DOWN: _Shape(503, "api_error", "ledger_down", True),
    FailureKind.INTERNAL: _Shape(500, "api_error", "internal_error", True),
    FailureKind.CLIENT_GONE: _Shape(499, "api_error", "client_gone", False),
    FailureKind.PROCESS_DIED: _Shape(500, "api_error", "internal_error", True),
}
"""`retry` tells the SDKs, which would otherwise go by the status alone, whether the same request may do better."""


def failure_of(status: int, headers: Headers, body: bytes) -> Failure:
    """Why the upstream refused. Headers have lower-case names, as ours always do."""
    try:
        wire = msgspec.json.decode(body)
    except NOT_JSON:
        return unexplained(status, headers, _KINDS)
    error = _error_in(wire, status)
    return unexplained(status, headers, _KINDS) if error is None else _failure(error, status, retry_after(headers))


def failure_of_error(error: Any) -> Failure:
    """Why a stream or an answer with status 200 has an `error` in it."""
    return _failure(error, status_in(error), None)


def write_failure(failure: Failure, request_id: str | None = None) -> tuple[int, Headers, bytes]:
    """Status, headers and body, so that the official SDK raises the class it would raise for Anthropic's own error."""
    shape = _SHAPES[failure.kind]
    headers = [
        (b"content-type", b"application/json"),
        (b"x-should-retry", b"true" if shape.retry else b"false"),
        *retry_headers(failure.retry_after),
    ]
    if request_id is not None:
        headers.append((b"request-id", request_id.encode()))
    return status_to_tell(failure, shape.status, _KINDS), headers, _body(failure, request_id)


def error_event(failure: Failure, request_id: str | None = None) -> bytes:
    """The last event of a stream that has begun and cannot be finished; the SDKs raise on it."""
    return sse.event(_body(failure, request_id), "error")


def _body(failure: Failure, request_id: str | None) -> bytes:
    shape = _SHAPES[failure.kind]
    error: dict[str, Any] = {"type": shape.type, "message": _message(failure)}
    code = failure.code if failure.code is not None else shape.code
    if code is not None:
        error["details"] = {"error_code": code}
    wire: dict[str, Any] = {"type": "error", "error": error}
    if request_id is not None:
        wire["request_id"] = request_id
    return msgspec.json.encode(wire)


def _message(failure: Failure) -> str:
    """Clients that make a conversation shorter and try again know that they must by these words only."""
    if failure.kind in (FailureKind.CONTEXT_LENGTH, FailureKind.PROMPT_CUT) and _TOO_LONG not in failure.message:
        return f"{_TOO_LONG}: {failure.message}"
    return f"{failure.param}: {failure.message}" if failure.param else failure.message


def _failure(error: Any, status: int | None, after: float | None) -> Failure:
    fields: Mapping[str, Any] = error if isinstance(error, dict) else {"message": error}
    message = text(fields.get("message")) or text(fields.get("detail")) or NO_REASON
    code = _code(fields)
    kind = _kind(status, (text(fields.get("type")), code), message)
    if kind is FailureKind.UPSTREAM_AUTH:
        # Providers quote parts of the key, or the account's name.
        return Failure(kind, NO_ACCESS, status, retry_after=after)
    return Failure(kind, message[:LONGEST_MESSAGE], status, code, text(fields.get("param")), after, quoted=True)


def _code(fields: Mapping[str, Any]) -> str | None:
    details = fields.get("details")
    return text(details.get("error_code") if isinstance(details, dict) else fields.get("code"))


def _kind(status: int | None, words: tuple[str | None, ...], message: str) -> FailureKind:
    known = [word for word in words if word in _KINDS_BY_WORD]
    if status is None:
        kind = _KINDS_BY_WORD[known[0]] if known else FailureKind.UPSTREAM_ERROR
    else:
        refined = [_KINDS_BY_WORD[word] for word in known if word in _REFINING and status < 500]
        kind = refined[0] if refined else kind_of_status(status, _KINDS)
    if kind is FailureKind.BAD_REQUEST:
        return next((kind for words, kind in _WORDS_IN_MESSAGES if words in message), kind)
    return kind


def _error_in(wire: Any, status: int) -> Any:
    if not isinstance(wire, dict):
        return None
    if wire.get("error"):
        return wire["error"]
    # FastAPI says `detail`, and for a path it does not know just "Not Found".
    return wire if text(wire.get("message")) or (text(wire.get("detail")) and status != 404) else None
