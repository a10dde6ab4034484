"""What Anthropic refuses, and how it says so."""

from collections.abc import Collection
from datetime import UTC, datetime

import msgspec

from earthward.http.server import Request
from earthward.simulator.draft import Asked
from earthward.simulator.models import Model, Offer
from earthward.simulator.steps import Headers, Problem
from earthward.simulator.vendors.anthropic.paths import COUNT, MESSAGES
from earthward.simulator.vendors.vendor import bearer

_VERSIONS = frozenset({b"2023-01-01", b"2023-06-01", b"2026-10-21"})
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_REFUSALS = {
    "400": Problem(400, "messages: Input is malformed"),
    "401": Problem(401, "invalid x-api-key"),
    "402": Problem(402, "Your account has an outstanding balance."),
    "403": Problem(403, "Your API key does not have permission to use the specified resource."),
    "404": Problem(404, "model: the one you asked for"),
    "quota": Problem(429, "You have reached your specified API usage limits."),
    "429": Problem(429, "This request would exceed your organization's rate limit of 50 requests per minute."),
    "500": Problem(500, "Internal server error"),
    "504": Problem(504, "Request timed out"),
    "529": Problem(529, "Overloaded", headers=((b"x-should-retry", b"true"),)),
    "error_event": Problem(529, "Overloaded"),
}
_MEASURED = {b"requests": 50, b"input-tokens": 30_000, b"output-tokens": 8_000, b"tokens": 38_000}
_encode = msgspec.json.Encoder().encode


def refused(request: Request, keys: Collection[str]) -> Problem | None:
    key = request.get(b"x-api-key")
    shown = key.decode("latin-1") if key is not None else bearer(request)
    if keys and shown not in keys:
        return Problem(401, "invalid x-api-key" if shown else "x-api-key header is required")
    version = request.get(b"anthropic-version")
    if version is None:
        return Problem(400, "anthropic-version: header is required")
    if version not in _VERSIONS:
        return Problem(400, f'anthropic-version: "{version.decode("latin-1")}" is not a valid version')
    return None


def error(problem: Problem, id: str) -> bytes:
    kind = _TYPES.get(problem.status, "invalid_request_error" if problem.status < 500 else "api_error")
    shown = {"type": kind, "message": problem.message}
    return _encode({"type": "error", "error": shown, "request_id": f"req_{id}"})


def refusal(name: str, created: int) -> Problem | None:
    found = _REFUSALS.get(name)
    if found is None or found.status != 429:
        return found
    return msgspec.structs.replace(found, headers=tuple(limits(created, exhausted=True)))


def limits(created: int, exhausted: bool = False) -> Headers:
    """What is left of each limit, and when it is whole again."""
    reset = datetime.fromtimestamp(created + 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    headers: Headers = []
    for what, limit in _MEASURED.items():
        left = 0 if exhausted else limit - 1
        headers += [
            (b"anthropic-ratelimit-%b-limit" % what, b"%d" % limit),
            (b"anthropic-ratelimit-%b-remaining" % what, b"%d" % left),
            (b"anthropic-ratelimit-%b-reset" % what, reset),
        ]
    return headers


def fits(asked: Asked, model: Model, offer: Offer) -> Asked | Problem:
    if asked.input > model.context:
        return Problem(400, f"prompt is too long: {asked.input} tokens > {model.context} maximum")
    if model.longest is not None and asked.max_tokens is not None and asked.max_tokens > model.longest:
        return Problem(
            400,
            f"max_tokens: {asked.max_tokens} > {model.longest}, which is the maximum allowed number of output tokens "
            f"for {model.dated}",
        )
    return asked


def no_path(method: bytes, path: bytes) -> Problem:
    return Problem(405, "Method Not Allowed") if path in (MESSAGES, COUNT) else Problem(404, "Not Found")


def no_model(name: str) -> Problem:
    return Problem(404, f"model: {name}")
