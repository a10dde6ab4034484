"""The list of models, as the Gemini API and as Vertex AI give it."""

from collections.abc import Iterable
from typing import Any

import msgspec

_METHODS = ("generateContent", "countTokens")


class Offer(msgspec.Struct, frozen=True):
    """A model as clients see it; `context` and `output` are limits in tokens, None if not known."""

    name: str
    context: int | None = None
    output: int | None = None
    methods: tuple[str, ...] = _METHODS


def write_models(offers: Iterable[Offer], vertex: bool = False) -> bytes:
    """All on one page."""
    return msgspec.json.encode({"publisherModels" if vertex else "models": [_model(offer, vertex) for offer in offers]})


def write_model(offer: Offer, vertex: bool = False) -> bytes:
    return msgspec.json.encode(_model(offer, vertex))


def _model(offer: Offer, vertex: bool) -> dict[str, Any]:
    if vertex:
        return {"name": f"publishers/google/models/{offer.name}", "versionId": "default"}
    limits = {"inputTokenLimit": offer.context, "outputTokenLimit": offer.output}
    return {
        "name": f"models/{offer.name}",
        "version": "default",
        "displayName": offer.name,
        **{name: value for name, value in limits.items() if value is not None},
        "supportedGenerationMethods": offer.methods,
    }
