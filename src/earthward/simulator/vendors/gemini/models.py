"""What is asked of Google beside content: lists of models, counts of tokens, and embeddings."""

from typing import Any
from urllib.parse import unquote

import msgspec

from earthward.http.server import Request
from earthward.simulator.behaviour import split_model
from earthward.simulator.models import Model, Offer
from earthward.simulator.steps import Headers, Problem, Whole
from earthward.simulator.vendors.gemini.embeddings import VERBS, embeddings
from earthward.simulator.vendors.gemini.errors import no_model
from earthward.simulator.vendors.gemini.paths import Place, place
from earthward.simulator.vendors.gemini.requests import input_tokens, wrong_contents
from earthward.simulator.vendors.gemini.shapes import Count, payload

Wire = dict[str, Any]
_encode = msgspec.json.Encoder().encode
_JSON: Headers = [(b"content-type", b"application/json; charset=UTF-8")]


def about(request: Request, offer: Offer) -> Whole | Problem | None:
    if request.method == b"GET":
        return _listed(request.path, offer)
    at = place(request.path)
    if request.method != b"POST" or at is None:
        return None
    if at.verb == "countTokens":
        if offer.find(split_model(at.model)[0], "google") is None:
            return no_model(at.model)
        return _count(request.body, at)
    if at.verb in VERBS:
        found = embeddings(at, request.body)
        return found if isinstance(found, Problem) else _told(found)
    return None


def _told(wire: Wire) -> Whole:
    return Whole(200, _JSON, _encode(wire))


def _listed(path: bytes, offer: Offer) -> Whole | Problem:
    first, _, name = path.partition(b"/models")
    in_vertex = first.endswith(b"publishers/google")
    if not name:
        models = [_model(model, in_vertex) for model in offer.of("google")]
        return _told({"publisherModels" if in_vertex else "models": models})
    found = offer.find(unquote(name[1:].decode("latin-1")), "google")
    return _told(_model(found, in_vertex)) if found else no_model(name[1:].decode("latin-1"))


def _model(model: Model, in_vertex: bool) -> Wire:
    if in_vertex:
        return {"name": f"publishers/google/models/{model.name}", "versionId": "default"}
    return {
        "name": f"models/{model.name}",
        "version": "001",
        "displayName": model.name.replace("-", " ").title(),
        "inputTokenLimit": model.context,
        "outputTokenLimit": model.longest or 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }


def _count(body: bytes, at: Place) -> Whole | Problem:
    found = payload(body, Count)
    if isinstance(found, Problem):
        return found
    wire = found[0].get("generateContentRequest") or found[0]
    if wrong := wrong_contents(wire.get("contents"), at):
        return wrong
    total = input_tokens(wire)
    return _told({"totalTokens": total, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": total}]})
