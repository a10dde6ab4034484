"""OpenAI's embeddings: a direction for each text, the same for the same model and text, as numbers or as base64."""

import base64
from array import array
from typing import Any

import msgspec

from earthward.simulator.steps import Problem, Whole
from earthward.simulator.text import tokens_in
from earthward.simulator.vendors.ollama.answers import embedding

PATH = b"/v1/embeddings"
WIDTHS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
_JSON = [(b"content-type", b"application/json")]


class _Body(msgspec.Struct):
    model: str
    input: str | list[Any]
    dimensions: int | None = None
    encoding_format: str = "float"


def answer(body: bytes) -> Whole | Problem:
    try:
        asked = msgspec.json.decode(body, type=_Body)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        return Problem(400, f"Invalid request: {error}")
    if asked.model not in WIDTHS:
        return Problem(404, f"The model `{asked.model}` does not exist.", code="model_not_found")
    texts = asked.input if isinstance(asked.input, list) and not _is_one(asked.input) else [asked.input]
    width = asked.dimensions or WIDTHS[asked.model]
    data = [
        {"object": "embedding", "index": at, "embedding": _written(asked, embedding(asked.model, str(text), width))}
        for at, text in enumerate(texts)
    ]
    tokens = sum(tokens_in(text) if isinstance(text, str) else len(text) for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    wire: Any = {"object": "list", "data": data, "model": asked.model, "usage": usage}
    return Whole(200, _JSON, msgspec.json.encode(wire))


def _is_one(given: list[Any]) -> bool:
    return bool(given) and isinstance(given[0], int)


def _written(asked: _Body, vector: list[float]) -> list[float] | str:
    return base64.b64encode(array("f", vector).tobytes()).decode() if asked.encoding_format == "base64" else vector
