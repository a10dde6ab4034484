"""Errors, both ways. The status code decides; words are only looked at where one status means several things.

Reads what OpenAI and the servers that speak its dialect send: `error` as an object or a string, `code` as a word or
an HTTP status, an error packed into the message of another (Ollama), no JSON at all (proxies).
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

_KINDS = {**KINDS, 425: FailureKind.OVERLOADED, 529: FailureKind.OVERLOADED}

_KINDS_BY_WORD = {
    "context_length_exceeded": FailureKind.CONTEXT_LENGTH,
    "exceed_context_size_error": FailureKind.CONTEXT_LENGTH,
    "insufficient_quota": FailureKind.PAYMENT,
    "billing_hard_limit_reached": FailureKind.PAYMENT,
    "model_not_found": FailureKind.NO_SUCH_MODEL,
    "invalid_api_key": FailureKind.UPSTREAM_AUTH,
    "authentication_error": FailureKind.UPSTREAM_AUTH,
    "permission_error": FailureKind.UPSTREAM_AUTH,
    "rate_limit_exceeded": FailureKind.RATE_LIMITED,
    "rate_limit_error": FailureKind.RATE_LIMITED,
    "overloaded_error": FailureKind.OVERLOADED,
    "unavailable_error": FailureKind.OVERLOADED,
    "not_found_error": FailureKind.NO_SUCH_MODEL,
    "invalid_request_error": FailureKind.BAD_REQUEST,
}
"""`code` or `type` of an error. Without a status they say the kind; with one, only the first four refine it."""

_REFINING = ("context_length_exceeded", "exceed_context_size_error", "insufficient_quota", "billing_hard_limit_reached")

_CONTEXT_WORDS = ("maximum context length", "exceed_context_size_error", "exceeds the available context size")
_BATCH_WORDS = "too large to process"
"""llama.cpp's, with status 500: a text for vectors has to fit into one batch."""


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
    FailureKind.TOO_LARGE: _Shape(413, "invalid_request_error", "request_too_large", False),
    FailureKind.BAD_KEY: _Shape(401, "invalid_request_error", "invalid_api_key", False),
    FailureKind.FORBIDDEN: _Shape(403, "permission_error", "forbidden", False),
    FailureKind.NO_SUCH_MODEL: _Shape(404, "invalid_request_error", "model_not_found", False),
    FailureKind.NO_SUCH_PATH: _Shape(404, "invalid_request_error", "unknown_url", False),
    FailureKind.METHOD_NOT_ALLOWED: _Shape(405, "invalid_request_error", "method_not_supported", False),
    FailureKind.CONFLICT: _Shape(409, "conflict_error", None, True),
    # The gateway's own credentials or its account at the provider: nothing the caller could mend.
    FailureKind.UPSTREAM_AUTH: _Shape(502, "upstream_error", "upstream_auth", False),
    FailureKind.PAYMENT: _Shape(429, "insufficient_quota", "insufficient_quota", False),
    FailureKind.RATE_LIMITED: _Shape(429, "rate_limit_error", "rate_limit_exceeded", True),
    FailureKind.OVERLOADED: _Shape(503, "server_error", "overloaded", True),
    FailureKind.UPSTREAM_ERROR: _Shape(502, "server_error", "upstream_error", True),
    FailureKind.UNREACHABLE: _Shape(502, "server_error", "upstream_unreachable", True),
    FailureKind.RESET: _Shape(502, "server_error", "upstream_reset", True),
    FailureKind.TIMEOUT: _Shape(504, "server_error", "upstream_timeout", True),
    FailureKind.MALFORMED: _Shape(502, "server_error", "upstream_malformed", True),
    FailureKind.WRONG_FORM: _Shape(502, "server_error", "wrong_form", True),
    FailureKind.BROKEN_STREAM: _Shape(502, "server_error", "upstream_broken_stream", True),
    FailureKind.NO_TARGET: _Shape(503, "server_error", "no_target", False),
    FailureKind.DRAINING: _Shape(503, "server_error", "draining", True),
    FailureKind.LEDGER_DOWN: _Shape(503, "server_error", "ledger_down", True),
    FailureKind.INTERNAL: _Shape(500, "server_error", "internal_error", True),
    FailureKind.CLIENT_GONE: _Shape(499, "invalid_request_error", "client_gone", False),
    FailureKind.PROCESS_DIED: _Shape(500, "server_error", "internal_error", True),
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


def write_failure(failure: Failure) -> tuple[int, Headers, bytes]:
    """Status, headers and body, so that the official SDK raises the class it would raise for OpenAI's own error."""
    shape = _SHAPES[failure.kind]
    headers = [
        (b"content-type", b"application/json"),
        (b"x-should-retry", b"true" if shape.retry else b"false"),
        *retry_headers(failure.retry_after),
    ]
    return status_to_tell(failure, shape.status, _KINDS), headers, _body(failure)


def error_event(failure: Failure) -> bytes:
    """The last event of a stream that has begun and cannot be finished; the SDKs raise on it."""
    return sse.event(_body(failure))


def _body(failure: Failure) -> bytes:
    return msgspec.json.encode({"error": wire_error(failure)})


def wire_error(failure: Failure) -> dict[str, Any]:
    """The error alone, for where it stands inside something else."""
    shape = _SHAPES[failure.kind]
    return {
        "message": failure.message,
        "type": shape.type,
        "param": failure.param,
        "code": failure.code if failure.code is not None else shape.code,
    }


def _failure(error: Any, status: int | None, retry_after: float | None) -> Failure:
    fields: Mapping[str, Any] = error if isinstance(error, dict) else {"message": error}
    message = text(fields.get("message")) or text(fields.get("detail")) or NO_REASON
    code = text(fields.get("code"))
    kind = _kind(status, code, text(fields.get("type")), message)
    if kind is FailureKind.UPSTREAM_AUTH:
        # Providers quote parts of the key, or the account's name.
        return Failure(kind, NO_ACCESS, status, retry_after=retry_after)
    param = text(fields.get("param"))
    return Failure(kind, message[:LONGEST_MESSAGE], status, code, param, retry_after, quoted=True)


def _kind(status: int | None, code: str | None, type: str | None, message: str) -> FailureKind:
    words = [word for word in (code, type) if word in _KINDS_BY_WORD]
    if status is None:
        kind = _KINDS_BY_WORD[words[0]] if words else FailureKind.UPSTREAM_ERROR
    else:
        refined = [_KINDS_BY_WORD[word] for word in words if word in _REFINING and status < 500]
        kind = refined[0] if refined else kind_of_status(status, _KINDS)
    if kind is FailureKind.BAD_REQUEST and any(words in message for words in _CONTEXT_WORDS):
        return FailureKind.CONTEXT_LENGTH
    return FailureKind.CONTEXT_LENGTH if _BATCH_WORDS in message else kind


def _error_in(wire: Any, status: int) -> Any:
    if not isinstance(wire, dict):
        return None
    if wire.get("error"):
        return wire["error"]
    # Older vLLM has no `error` around it; FastAPI says `detail`, and for a path it does not know just "Not Found".
    return wire if text(wire.get("message")) or (text(wire.get("detail")) and status != 404) else None
