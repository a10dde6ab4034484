"""What there is to use, as Ollama's clients ask for it: lists of models, one model, the version."""

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from earthward.dialects.times import rfc3339

VERSION = "0.33.0"
"""The version of Ollama whose API this is; clients ask for at least one that they know."""

_FAMILY = "earthward"
_DETAILS = {
    "parent_model": "",
    "format": "",
    "family": _FAMILY,
    "families": [_FAMILY],
    "parameter_size": "",
    "quantization_level": "",
}


class Offer(msgspec.Struct, frozen=True):
    """A model as clients see it. `capabilities` are Ollama's words, `context` its window in tokens."""

    name: str
    capabilities: tuple[str, ...] = ("completion",)
    context: int | None = None


def write_tags(offers: Iterable[Offer], modified: float) -> bytes:
    """`modified` is a Unix time in seconds."""
    return msgspec.json.encode({"models": [_tag(offer, rfc3339(modified)) for offer in offers]})


def write_ps(offers: Iterable[Offer], expires: float) -> bytes:
    """The models that are loaded, until `expires`, a Unix time in seconds."""
    return msgspec.json.encode({"models": [_loaded(offer, rfc3339(expires)) for offer in offers]})


def write_show(offer: Offer, modified: float) -> bytes:
    context = {} if offer.context is None else {f"{_FAMILY}.context_length": offer.context}
    shown = {
        "license": "",
        "modelfile": "",
        "parameters": "",
        "template": "",
        "details": _DETAILS,
        "model_info": {"general.architecture": _FAMILY, "general.basename": offer.name, **context},
        "capabilities": offer.capabilities,
        "modified_at": rfc3339(modified),
    }
    return msgspec.json.encode(shown)


def write_version(version: str = VERSION) -> bytes:
    return msgspec.json.encode({"version": version})


def write_loaded(model: str, created: float, unload: bool, generate: bool = False) -> bytes:
    """The answer to a request that asks nothing but to load or unload the model."""
    empty: dict[str, Any] = {"response": ""} if generate else {"message": {"role": "assistant", "content": ""}}
    about = {"model": model, "created_at": rfc3339(created), **empty}
    return msgspec.json.encode({**about, "done": True, "done_reason": "unload" if unload else "load"})


def _tag(offer: Offer, modified: str) -> dict[str, Any]:
    context = {} if offer.context is None else {"context_length": offer.context}
    return {
        "name": offer.name,
        "model": offer.name,
        "modified_at": modified,
        "size": 0,
        "digest": _digest(offer.name),
        "details": {**_DETAILS, **context},
        "capabilities": offer.capabilities,
    }


def _loaded(offer: Offer, expires: str) -> dict[str, Any]:
    return {
        "name": offer.name,
        "model": offer.name,
        "size": 0,
        "digest": _digest(offer.name),
        "details": _DETAILS,
        "expires_at": expires,
        "size_vram": 0,
        "context_length": offer.context or 0,
    }


def _digest(name: str) -> str:
    """Ollama's own client shows the first twelve letters and fails without; there are no weights here to take it of."""
    return hashlib.sha256(name.encode()).hexdigest()
