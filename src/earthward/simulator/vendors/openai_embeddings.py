"""OpenAI's embeddings: a direction for each text, the same for the same model and text, as numbers or as base64."""

import base64
from array import array
from typing import Any, Literal

import msgspec

from earthward.simulator.steps import Problem, Whole
from earthward.simulator.text import tokens_in
from earthward.simulator.vendors.ollama.answers import embedding

PATH = b"/v1/embeddings"
WIDTHS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
_JSON = [(b"content-type", b"application/json")]
_ADJUSTABLE = frozenset({"text-embedding-3-small", "text-embedding-3-large"})
_INPUTS = 2048
_LONGEST = 8192
_TOGETHER = 300_000
"""Tokens of one text, and of all texts of a request."""


class _Body(msgspec.Struct):
    model: str
    input: str | list[str | list[int] | int]
    dimensions: int | None = None
    encoding_format: Literal["float", "base64"] = "float"


def answer(body: bytes) -> Whole | Problem:
    try:
        asked = msgspec.json.decode(body, type=_Body)
    except msgspec.DecodeError as error:
        return Problem(400, f"Invalid request: {error}")
    if asked.model not in WIDTHS:
        return Problem(404, f"The model `{asked.model}` does not exist.", code="model_not_found")
    texts = _texts(asked.input)
    lengths = [tokens_in(text) if isinstance(text, str) else len(text) for text in texts]
    if problem := _wrong_dimensions(asked) or _wrong_lengths(lengths):
        return problem
    width = asked.dimensions or WIDTHS[asked.model]
    data = [
        {"object": "embedding", "index": at, "embedding": _written(asked, embedding(asked.model, str(text), width))}
        for at, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": sum(lengths), "total_tokens": sum(lengths)}
    wire: Any = {"object": "list", "data": data, "model": asked.model, "usage": usage}
    return Whole(200, _JSON, msgspec.json.encode(wire))


def _wrong_dimensions(asked: _Body) -> Problem | None:
    if asked.dimensions is None:
        return None
    if asked.model not in _ADJUSTABLE:
        return Problem(400, "This model does not support specifying dimensions.", param="dimensions")
    if not 1 <= asked.dimensions <= WIDTHS[asked.model]:
        return Problem(
            400,
            f"Invalid value for 'dimensions' = {asked.dimensions}. Must be between 1 and {WIDTHS[asked.model]}.",
            param="dimensions",
        )
    return None


def _wrong_lengths(lengths: list[int]) -> Problem | None:
    if not 1 <= len(lengths) <= _INPUTS or not all(lengths):
        return Problem(400, "'$.input' is invalid. Please check the API reference.", param="input")
    if max(lengths) > _LONGEST:
        return Problem(
            400,
            f"This model's maximum context length is {_LONGEST} tokens, however you requested {max(lengths)} tokens. "
            "Please reduce your prompt.",
        )
    if sum(lengths) > _TOGETHER:
        together = f"Requested {sum(lengths)} tokens, max {_TOGETHER} tokens per request."
        return Problem(400, together, code="max_tokens_per_request")
    return None


def _texts(given: str | list[Any]) -> list[str | list[int]]:
    """Of numbers alone a list is one text in tokens; numbers among texts are nothing."""
    if isinstance(given, str):
        return [given]
    numbers = sum(isinstance(each, int) for each in given)
    return given if not numbers else [given] if numbers == len(given) else []


def _written(asked: _Body, vector: list[float]) -> str | msgspec.Raw:
    if asked.encoding_format == "base64":
        return base64.b64encode(array("f", vector).tobytes()).decode()
    return msgspec.Raw(msgspec.json.encode(vector))
