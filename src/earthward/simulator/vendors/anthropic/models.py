"""Lists of models, and what else is told without a draft: counts of tokens."""

from typing import Any
from urllib.parse import parse_qs

import msgspec

from earthward.http.server import Request
from earthward.simulator.models import Model, Offer
from earthward.simulator.steps import Headers, Problem, Whole
from earthward.simulator.vendors.anthropic.errors import no_model
from earthward.simulator.vendors.anthropic.paths import COUNT, MODELS
from earthward.simulator.vendors.anthropic.requests import count

_PAGE = 20
_JSON: Headers = [(b"content-type", b"application/json")]
_encode = msgspec.json.Encoder().encode


def about(request: Request, offer: Offer) -> Whole | Problem | None:
    if request.method == b"POST" and request.path == COUNT:
        return count(request.body, offer)
    if request.method != b"GET" or not request.path.startswith(MODELS):
        return None
    if request.path == MODELS:
        return _page(request.query, [_listed(model) for model in offer.of("anthropic")])
    name = request.path[len(MODELS) + 1 :].decode("latin-1")
    found = offer.find(name, "anthropic")
    return Whole(200, _JSON, _encode(_listed(found))) if found else no_model(name)


def _listed(model: Model) -> dict[str, Any]:
    return {
        "type": "model",
        "id": model.dated,
        "display_name": model.name.replace("-", " ").title(),
        "created_at": "2025-01-01T00:00:00Z",
        "max_input_tokens": model.context,
        "max_tokens": model.longest,
    }


def _page(query: bytes, models: list[dict[str, Any]]) -> Whole | Problem:
    asked = {name: values[-1] for name, values in parse_qs(query.decode("latin-1")).items()}
    limit = asked.get("limit", str(_PAGE))
    if not limit.isdecimal() or len(limit) > 4 or not 1 <= int(limit) <= 1000:
        return Problem(400, "limit: Input should be between 1 and 1000")
    names = [model["id"] for model in models]
    if asked.get("after_id") in names:
        models = models[names.index(asked["after_id"]) + 1 :]
    page, more = models[: int(limit)], len(models) > int(limit)
    ends = (page[0]["id"], page[-1]["id"]) if page else (None, None)
    return Whole(200, _JSON, _encode({"data": page, "has_more": more, "first_id": ends[0], "last_id": ends[1]}))
