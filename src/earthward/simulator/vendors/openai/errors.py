"""What OpenAI refuses, and how it says so."""

from collections.abc import Collection

import msgspec

from earthward.http.server import Request
from earthward.simulator.draft import Asked
from earthward.simulator.models import Model, Offer
from earthward.simulator.steps import Problem
from earthward.simulator.vendors.vendor import bearer

_encode = msgspec.json.Encoder().encode


def refused(request: Request, keys: Collection[str]) -> Problem | None:
    shown = bearer(request)
    return bad_key(shown) if keys and shown not in keys else None


def error(problem: Problem, id: str) -> bytes:
    return _encode(
        {
            "error": {
                "message": problem.message,
                "type": problem.type,
                "param": problem.param,
                "code": problem.code,
            }
        }
    )


def bad_key(key: str | None) -> Problem:
    if key is None:
        return Problem(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer "
            "auth (i.e. Authorization: Bearer YOUR_KEY).",
        )
    # OpenAI shows the ends of the key it refuses; a gateway has to keep even these to itself.
    shown = f"{key[:8]}{'*' * 8}{key[-4:]}" if len(key) > 12 else "*" * len(key)
    return Problem(401, f"Incorrect API key provided: {shown}.", code="invalid_api_key")


def no_model(name: str) -> Problem:
    return Problem(
        404, f"The model `{name}` does not exist or you do not have access to it.", code="model_not_found"
    )  # fmt: skip


def fits(asked: Asked, model: Model, offer: Offer) -> Asked | Problem:
    if asked.input <= model.context:
        return asked
    return Problem(
        400,
        f"This model's maximum context length is {model.context} tokens. However, your messages resulted in "
        f"{asked.input} tokens. Please reduce the length of the messages.",
        param="messages",
        code="context_length_exceeded",
    )


def no_path(method: bytes, path: bytes) -> Problem:
    asked = f"{method.decode('latin-1')} {path.decode('latin-1')}"
    return Problem(404, f"Invalid URL ({asked})", code="unknown_url")


def too_small(name: str, given: int, least: int = 1) -> Problem:
    return Problem(
        400,
        f"Invalid '{name}': integer below minimum value. Expected a value >= {least}, but got {given} instead.",
        param=name,
        code="integer_below_min_value",
    )


def invalid(message: str) -> Problem:
    """msgspec says: Object missing required field `messages` - at `$...`."""
    missing = message.partition("missing required field `")[2].partition("`")[0]
    place = message.partition(" - at `$")[2].rstrip("`").lstrip(".")
    if missing:
        name = f"{place}.{missing}" if place else missing
        return Problem(400, f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")
    what = message.partition(" - at ")[0]
    return Problem(400, f"Invalid type for '{place}': {what}.", param=place, code="invalid_type")
