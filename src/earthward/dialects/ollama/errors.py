"""Errors, both ways. The status code decides; words are only looked at where one status means several things.

Ollama's error is a text, and often the whole JSON of llama-server's error inside that text. A stream that has begun
has no status but 200: there the words are all there is.
"""

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from earthward.chat import Failure, FailureKind
from earthward.dialects import ndjson
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.refusals import LONGEST_MESSAGE, kind_of_status, status_in, status_to_tell, text

Headers = list[tuple[bytes, bytes]]

_NO_ACCESS = "Ollama refused access to the gateway; a cloud model needs `ollama signin` on its host"
_WRONG_HOST = "Ollama refused the request's Host or Origin; see OLLAMA_HOST and OLLAMA_ORIGINS on its host"


class _Words(msgspec.Struct, frozen=True):
    """What a text says, whatever the status it came with is among `statuses`; None stands for a stream."""

    text: str
    kind: FailureKind
    statuses: tuple[int | None, ...]
    code: str | None = None


_REFUSED = (400, 500, None)
_FAILED = (500, None)
_CRASHED = (400, 500, None)
"""With 400 as well: for embeddings Ollama calls everything it has no word for a bad request."""
_WORDS = (
    _Words("exceed_context_size_error", FailureKind.CONTEXT_LENGTH, _REFUSED, "context_length_exceeded"),
    _Words("exceeds the available context size", FailureKind.CONTEXT_LENGTH, _REFUSED, "context_length_exceeded"),
    _Words("exceeds maximum context length", FailureKind.CONTEXT_LENGTH, _REFUSED, "context_length_exceeded"),
    _Words("exceeds the context length", FailureKind.CONTEXT_LENGTH, _REFUSED, "context_length_exceeded"),
    # A text for vectors has to fit into one batch.
    _Words("too large to process", FailureKind.CONTEXT_LENGTH, _REFUSED, "context_length_exceeded"),
    _Words("does not support ", FailureKind.UNSUPPORTED, (400,), "unsupported"),
    _Words("usage limit", FailureKind.PAYMENT, (429, None), "usage_limit"),
    _Words("unauthorized", FailureKind.UPSTREAM_AUTH, (None,)),
    _Words("server busy", FailureKind.OVERLOADED, _FAILED),
    _Words("timed out waiting for", FailureKind.TIMEOUT, _FAILED, "load_timeout"),
    _Words("requires more system memory", FailureKind.UPSTREAM_ERROR, _CRASHED, "out_of_memory"),
    _Words("out of memory", FailureKind.UPSTREAM_ERROR, _CRASHED, "out_of_memory"),
    _Words("process has terminated", FailureKind.UPSTREAM_ERROR, _CRASHED, "runner_crashed"),
    _Words("process no longer running", FailureKind.UPSTREAM_ERROR, _CRASHED, "runner_crashed"),
    _Words("unsupported value: nan", FailureKind.UPSTREAM_ERROR, _CRASHED, "not_a_number"),
    _Words("do embedding request", FailureKind.UPSTREAM_ERROR, _CRASHED, "runner_crashed"),
    _Words("parsing tool call", FailureKind.UPSTREAM_ERROR, _FAILED, "bad_tool_call"),
)
"""What Ollama says, the first that fits; in lower case."""


_STATUSES = {
    FailureKind.BAD_REQUEST: 400,
    FailureKind.UNSUPPORTED: 400,
    FailureKind.CONTEXT_LENGTH: 400,
    FailureKind.PROMPT_CUT: 400,
    FailureKind.TOO_LARGE: 413,
    FailureKind.BAD_KEY: 401,
    FailureKind.FORBIDDEN: 403,
    FailureKind.NO_SUCH_MODEL: 404,
    FailureKind.NO_SUCH_PATH: 404,
    FailureKind.METHOD_NOT_ALLOWED: 405,
    FailureKind.CONFLICT: 409,
    # The gateway's own credentials or its account at the provider: nothing the caller could mend.
    FailureKind.UPSTREAM_AUTH: 502,
    FailureKind.PAYMENT: 429,
    FailureKind.RATE_LIMITED: 429,
    FailureKind.OVERLOADED: 503,
    FailureKind.UPSTREAM_ERROR: 502,
    FailureKind.UNREACHABLE: 502,
    FailureKind.RESET: 502,
    FailureKind.TIMEOUT: 504,
    FailureKind.MALFORMED: 502,
    FailureKind.WRONG_FORM: 502,
    FailureKind.BROKEN_STREAM: 502,
    FailureKind.NO_TARGET: 503,
    FailureKind.DRAINING: 503,
    FailureKind.LEDGER_DOWN: 503,
    FailureKind.INTERNAL: 500,
    FailureKind.CLIENT_GONE: 499,
    FailureKind.PROCESS_DIED: 500,
}


def failure_of(status: int, headers: Headers, body: bytes) -> Failure:
    """Why Ollama refused. Headers have lower-case names, as ours always do."""
    try:
        wire = msgspec.json.decode(body)
    except NOT_JSON:
        return _unexplained(status, headers, body)
    error = wire.get("error") if isinstance(wire, dict) else None
    if not error:
        return _unexplained(status, headers, body)
    return _failure(error, status, _retry_after(headers))


def failure_of_error(error: Any) -> Failure:
    """Why a stream or an answer with status 200 has an `error` in it."""
    inner = _unpacked(error)
    return _failure(inner, status_in(inner), None)


def write_failure(failure: Failure) -> tuple[int, Headers, bytes]:
    """Status, headers and body; Ollama's clients know an error by its status and its text alone."""
    headers = [(b"content-type", b"application/json; charset=utf-8")]
    if failure.retry_after is not None:
        headers.append((b"retry-after", b"%d" % math.ceil(failure.retry_after)))
    return status_to_tell(failure, _STATUSES[failure.kind]), headers, _body(failure)


def error_line(failure: Failure) -> bytes:
    """The last line of a stream that has begun and cannot be finished; clients raise on it."""
    return ndjson.line(_body(failure))


def _body(failure: Failure) -> bytes:
    return msgspec.json.encode({"error": failure.message or failure.kind.value})


def _failure(error: Any, status: int | None, retry_after: float | None) -> Failure:
    inner = _unpacked(error)
    fields: Mapping[str, Any] = inner if isinstance(inner, dict) else {"message": inner}
    message = text(fields.get("message")) or text(fields.get("error")) or "Ollama gave no reason"
    kind, code = _kind(status, message, text(fields.get("type")))
    if kind is FailureKind.UPSTREAM_AUTH:
        return Failure(kind, _NO_ACCESS, status, retry_after=retry_after)
    return Failure(kind, message[:LONGEST_MESSAGE], status, code, retry_after=retry_after, quoted=True)


def _unpacked(error: Any) -> Any:
    """The error that is packed as JSON into the text of another, as Ollama does with llama-server's."""
    if not isinstance(error, str) or not error.lstrip().startswith("{"):
        return error
    try:
        inner = msgspec.json.decode(error)
    except NOT_JSON:
        return error
    packed = inner.get("error", inner) if isinstance(inner, dict) else None
    return packed if isinstance(packed, dict) else packed or error


def _kind(status: int | None, message: str, type: str | None) -> tuple[FailureKind, str | None]:
    said = f"{type or ''} {message}".lower()
    for words in _WORDS:
        if status in words.statuses and words.text in said:
            return words.kind, words.code
    if status is None:
        is_missing = "model" in said and said.endswith("not found")
        return (FailureKind.NO_SUCH_MODEL if is_missing else FailureKind.UPSTREAM_ERROR), None
    return kind_of_status(status), None


def _unexplained(status: int, headers: Headers, body: bytes) -> Failure:
    if status == 403 and not body.strip():
        return Failure(FailureKind.UPSTREAM_AUTH, _WRONG_HOST, status)
    # A missing model is reported in JSON; a bare 404 page comes from something that is no such API.
    kind = FailureKind.UPSTREAM_ERROR if status == 404 else kind_of_status(status)
    message = f"Ollama answered with status {status} and no error in JSON; is its URL right, without a path?"
    if kind is FailureKind.UPSTREAM_AUTH:
        message = _NO_ACCESS
    return Failure(kind, message, status, retry_after=_retry_after(headers))


def _retry_after(headers: Headers) -> float | None:
    """Seconds. Ollama itself never says it, a proxy before it may."""
    value = dict(reversed(headers)).get(b"retry-after", b"")
    return float(value) if value.isdigit() else None
