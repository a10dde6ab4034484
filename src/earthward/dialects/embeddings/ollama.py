"""Embeddings in Ollama's forms: `/api/embed`, and the older `/api/embeddings` for one text."""

from typing import Any

import msgspec

from earthward.chat import Count, Embeddings, EmbedRequest, Failure
from earthward.chat.usage import UNKNOWN
from earthward.dialects.embeddings.reading import answer_of, request_of
from earthward.dialects.envelope import Envelope
from earthward.dialects.ollama.errors import failure_of_error


class _Request(msgspec.Struct):
    model: str
    input: str | list[str] | None = None
    prompt: str | None = None
    truncate: bool | None = None
    dimensions: int | None = None


class _Answer(msgspec.Struct):
    model: str | None = None
    embeddings: list[list[float]] | None = None
    embedding: list[float] | None = None
    prompt_eval_count: int | None = None
    error: Any = None


_KNOWN = frozenset(_Request.__struct_fields__)


def read_request(body: bytes) -> EmbedRequest | Failure:
    """Either form: what is `input` in one is `prompt` in the other."""
    return request_of(body, _request)


def characters(envelope: Envelope) -> int:
    """Of all texts, for an estimate before the request is read."""
    given = envelope.get("input") if envelope.has("input") else envelope.get("prompt")
    return sum(len(text) for text in (given if isinstance(given, list) else [given]) if isinstance(text, str))


def has_text(envelope: Envelope) -> bool:
    """Whether anything is to be embedded; a request without only has the model loaded."""
    given = [envelope.get(name) for name in ("input", "prompt") if envelope.has(name)]
    return any(value not in ("", []) for value in given)


def write_nothing(model: str, legacy: bool) -> bytes:
    """The answer to a request without a text."""
    return msgspec.json.encode({"embedding": []} if legacy else {"model": model, "embeddings": []})


def write_request(
    request: EmbedRequest, keep_alive: str | int | float | None = None, context: int | None = None
) -> bytes | Failure:
    """For `/api/embed`. Texts are not cut unless the caller said so: Ollama would do it without a word.

    `keep_alive` and `context` are the target's; how a model is loaded is not the caller's to say.
    """
    wire = {
        "model": request.model,
        "input": request.texts,
        "truncate": bool(request.truncate),
        "dimensions": request.dimensions,
        "keep_alive": keep_alive,
        "options": None if context is None else {"num_ctx": context},
    }
    return msgspec.json.encode({name: value for name, value in wire.items() if value is not None})


def losses(request: EmbedRequest) -> tuple[str, ...]:
    """The task is to be told in the texts."""
    lost = [name for name in ("task", "title", "user") if getattr(request, name) is not None]
    return (*lost, *request.rest)


def read_answer(body: bytes, request: EmbedRequest) -> Embeddings | Failure:
    return answer_of(body, _answer, request)


def write_answer(found: Embeddings, model: str, legacy: bool) -> bytes:
    """`legacy` is for a client of `/api/embeddings`."""
    if legacy:
        return msgspec.json.encode({"embedding": found.vectors[0]})
    counted = {"prompt_eval_count": found.input.tokens} if found.input.is_known else {}
    return msgspec.json.encode({"model": model, "embeddings": found.vectors, **counted})


def _request(raw: Any) -> EmbedRequest:
    wire = msgspec.convert(raw, _Request)
    asked = wire.input if wire.input is not None else wire.prompt
    texts = (asked,) if isinstance(asked, str) else tuple(asked or ())
    # How a model is loaded is not the caller's to say: `losses` names it.
    rest = {name: value for name, value in raw.items() if name not in _KNOWN and value not in (None, {})}
    return EmbedRequest(wire.model, texts, wire.dimensions, truncate=wire.truncate, rest=rest)


def _answer(raw: Any) -> Embeddings | Failure:
    wire = msgspec.convert(raw, _Answer)
    if wire.error:
        return failure_of_error(wire.error)
    vectors = wire.embeddings if wire.embeddings is not None else [[*(wire.embedding or ())]]
    tokens = wire.prompt_eval_count
    count = Count.reported(tokens) if tokens is not None and tokens >= 0 else UNKNOWN
    return Embeddings(wire.model, tuple(vectors), count)
