"""Lists of models, and what else is told without a draft: vectors."""

from typing import Any

import msgspec

from earthward.http.server import Request
from earthward.simulator.models import Model, Offer
from earthward.simulator.steps import Headers, Problem, Whole
from earthward.simulator.vendors import openai_embeddings
from earthward.simulator.vendors.openai.errors import no_model

_MODELS = b"/v1/models"
_JSON: Headers = [(b"content-type", b"application/json")]
_encode = msgspec.json.Encoder().encode


def about(request: Request, offer: Offer) -> Whole | Problem | None:
    path = request.path
    if request.method == b"POST" and path == openai_embeddings.PATH:
        return openai_embeddings.answer(request.body)
    if request.method != b"GET":
        return None
    if path == _MODELS:
        return Whole(200, _JSON, _encode({"object": "list", "data": [_listed(model) for model in offer.of("openai")]}))
    if not path.startswith(_MODELS + b"/"):
        return None
    name = path[len(_MODELS) + 1 :].decode("latin-1")
    found = offer.find(name, "openai")
    return Whole(200, _JSON, _encode(_listed(found))) if found else no_model(name)


def _listed(model: Model) -> dict[str, Any]:
    return {"id": model.name, "object": "model", "created": 1_700_000_000, "owned_by": model.owner}
