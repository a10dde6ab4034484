"""Google's errors: a status in words beside the number, and details."""

from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qs

import msgspec

from earthward.http.server import Request
from earthward.simulator.steps import Problem
from earthward.simulator.vendors.gemini.paths import place
from earthward.simulator.vendors.vendor import bearer

_encode = msgspec.json.Encoder().encode
_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_EXHAUSTED = "Resource has been exhausted (e.g. check quota)."
_OVERLOADED = "The model is overloaded. Please try again later."
_UNAUTHENTICATED = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential."
)
_REFUSALS = {
    "400": Problem(400, "Request contains an invalid argument."),
    "401": Problem(401, _UNAUTHENTICATED),
    "403": Problem(403, "Permission denied on resource project acme.", code="CONSUMER_INVALID"),
    "404": Problem(404, "models/nothing is not found for API version v1beta."),
    "quota": Problem(429, "You exceeded your current quota, please check your plan and billing details."),
    "429": Problem(429, _EXHAUSTED),
    "500": Problem(500, "An internal error has occurred. Please retry or report in the issue tracker."),
    "503": Problem(503, _OVERLOADED),
    "504": Problem(504, "The request timed out. Please try again."),
    "error_event": Problem(503, _OVERLOADED),
}


def error(problem: Problem, id: str) -> bytes:
    details: list[dict[str, Any]] = []
    if problem.code is not None:
        reason = {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": problem.code,
            "domain": "googleapis.com",
        }
        details.append(reason)
    status = _WORDS.get(problem.status, "UNKNOWN")
    told = {"code": problem.status, "message": problem.message, "status": status}
    return _encode({"error": told | ({"details": details} if details else {})})


def refusal(name: str, created: int) -> Problem | None:
    return _REFUSALS.get(name)


def refused(request: Request, keys: Collection[str]) -> Problem | None:
    """A key for the Gemini API and for express mode, an access token for a project at Vertex AI."""
    at = place(request.path)
    if at is not None and at.in_project:
        shown = bearer(request)
        return None if shown and (not keys or shown in keys) else Problem(401, _UNAUTHENTICATED)
    header = request.get(b"x-goog-api-key")
    in_url = parse_qs(request.query.decode("latin-1")).get("key", [None])[0]
    key = header.decode("latin-1") if header is not None else in_url
    if key is None:
        message = (
            "Method doesn't allow unregistered callers. Please use API Key or other form of API consumer identity."
        )
        return Problem(403, message)
    if keys and key not in keys:
        return Problem(400, "API key not valid. Please pass a valid API key.", code="API_KEY_INVALID")
    return None


def no_model(name: str) -> Problem:
    return Problem(
        404,
        f"models/{name} is not found for API version v1beta, or is not supported for generateContent. Call ListModels "
        "to see the list of available models and their supported methods.",
    )


def no_path(method: bytes, path: bytes) -> Problem:
    return Problem(404, f"Not Found: {method.decode('latin-1')} {path.decode('latin-1')}")


def unknown_field(name: str, place: str) -> Problem:
    at = f" at '{place}'" if place else ""
    return Problem(400, f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.')
