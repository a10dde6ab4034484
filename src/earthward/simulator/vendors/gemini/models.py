"""What is asked of Google beside content: lists of models, counts of tokens, and embeddings."""

import random
from typing import Any, Literal
from urllib.parse import unquote

import msgspec

from earthward.http.server import Request
from earthward.simulator.behaviour import split_model
from earthward.simulator.models import Model, Offer
from earthward.simulator.steps import Headers, Problem, Whole
from earthward.simulator.text import tokens_in
from earthward.simulator.vendors.gemini.errors import no_model
from earthward.simulator.vendors.gemini.paths import Place, place
from earthward.simulator.vendors.gemini.requests import input_tokens, wrong_contents
from earthward.simulator.vendors.gemini.shapes import Batch, Count, Embed, Predict, payload

Wire = dict[str, Any]
_encode = msgspec.json.Encoder().encode
_JSON: Headers = [(b"content-type", b"application/json; charset=UTF-8")]
_DIMENSIONS = 768
_WIDEST = 3072
_BATCH = 100
_INSTANCES = 250


def about(request: Request, offer: Offer) -> Whole | Problem | None:
    if request.method == b"GET":
        return _listed(request.path, offer)
    at = place(request.path)
    if request.method != b"POST" or at is None:
        return None
    match at.verb:
        case "countTokens":
            if offer.find(split_model(at.model)[0], "google") is None:
                return no_model(at.model)
            return _count(request.body, at)
        case "embedContent":
            found = payload(request.body, Embed)
            return found if isinstance(found, Problem) else _embedded("embedding", found[1])
        case "batchEmbedContents":
            several = payload(request.body, Batch)
            return several if isinstance(several, Problem) else _embedded("embeddings", *several[1].requests)
        case "predict":
            asked = payload(request.body, Predict)
            return asked if isinstance(asked, Problem) else _predicted(asked[1])
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


def _embedded(kind: Literal["embedding", "embeddings"], *asked: Embed) -> Whole | Problem:
    if len(asked) > _BATCH:
        return Problem(400, f"* BatchEmbedContentsRequest.requests: at most {_BATCH} requests can be in one batch")
    widths = [(each.embed_content_config or each).output_dimensionality for each in asked]
    if (wrong := _wrong_width(widths)) is not None:
        return wrong
    texts = ["\n".join(part.text for part in each.content.parts) for each in asked]
    vectors = [{"values": _vector(text, width)} for text, width in zip(texts, widths, strict=True)]
    return _told({kind: vectors if kind == "embeddings" else vectors[0]})


def _predicted(asked: Predict) -> Whole | Problem:
    if len(asked.instances) > _INSTANCES:
        return Problem(
            400, f"{len(asked.instances)} instance(s) is more than the {_INSTANCES} that one request may have."
        )
    wanted = asked.parameters.output_dimensionality if asked.parameters else None
    return _wrong_width([wanted]) or _told(
        {
            "predictions": [
                {
                    "embeddings": {
                        "values": _vector(each.content, wanted),
                        "statistics": {"truncated": False, "token_count": tokens_in(each.content)},
                    }
                }
                for each in asked.instances
            ]
        }
    )


def _wrong_width(widths: list[int | None]) -> Problem | None:
    if all(width is None or 1 <= width <= _WIDEST for width in widths):
        return None
    return Problem(400, f"The output dimensionality must be between 1 and {_WIDEST}.")


def _vector(text: str, wanted: int | None) -> list[float]:
    """Of unit length, and the same for the same text."""
    draw = random.Random(text)  # noqa: S311 - has to repeat with the text
    values = [draw.uniform(-1, 1) for _ in range(wanted or _DIMENSIONS)]
    length = sum(value * value for value in values) ** 0.5
    return [value / length for value in values]
