"""Google's embeddings: of contents, one or several, and of instances, which Vertex AI's older models know alone."""

import random
from typing import Any

from earthward.simulator.steps import Problem
from earthward.simulator.text import tokens_in
from earthward.simulator.vendors.gemini.errors import unknown_field
from earthward.simulator.vendors.gemini.paths import Place
from earthward.simulator.vendors.gemini.requests import camel

Wire = dict[str, Any]
VERBS = frozenset({"embedContent", "batchEmbedContents", "predict"})
_DIMENSIONS = 768
_CONFIG = frozenset(
    {"taskType", "title", "outputDimensionality", "autoTruncate", "documentOcr", "audioTrackExtraction"}
)


def embeddings(at: Place, wire: Wire) -> Wire | Problem:
    """Raises KeyError and TypeError for a body that is no request."""
    if at.verb == "predict":
        wanted = camel(wire.get("parameters") or {}).get("outputDimensionality")
        if _takes_contents(at.model):
            return Problem(400, "Precondition check failed.")
        return {"predictions": [_predicted(each, wanted) for each in wire["instances"]]}
    contents = [camel(each) for each in wire["requests"]] if at.verb == "batchEmbedContents" else [wire]
    if at.is_vertex and (problem := _refused_at_vertex(at, contents)) is not None:
        return problem
    vectors = [_embedded(content) for content in contents]
    told: Wire = {"embedding": vectors[0]} if at.verb == "embedContent" else {"embeddings": vectors}
    tokens = sum(tokens_in(_text(content)) for content in contents)
    usage = {"promptTokenCount": tokens, "totalTokenCount": tokens}
    return told | ({"usageMetadata": usage, "truncated": False} if at.is_vertex else {})


def _takes_contents(model: str) -> bool:
    return model.startswith("gemini-embedding-2") or model.endswith("-maas")


def _refused_at_vertex(at: Place, contents: list[Wire]) -> Problem | None:
    if not _takes_contents(at.model):
        return Problem(400, f"Publisher Model {at.model} is not supported in the {at.verb} API.")
    if at.verb == "batchEmbedContents" and at.model.endswith("-maas"):
        return Problem(400, f"Publisher Model {at.model} is not supported in the batchEmbedContents API.")
    for content in contents:
        unknown = content.keys() - {"content", "embedContentConfig"}
        unknown |= camel(content.get("embedContentConfig") or {}).keys() - _CONFIG
        if unknown:
            return unknown_field(min(unknown), "")
    return None


def _text(content: Wire) -> str:
    return "\n".join(part["text"] for part in content["content"]["parts"])


def _embedded(content: Wire) -> Wire:
    config = camel(content.get("embedContentConfig") or content)
    return {"values": _vector(_text(content), config.get("outputDimensionality"))}


def _predicted(instance: Wire, wanted: int | None) -> Wire:
    text = instance["content"]
    statistics = {"truncated": False, "token_count": tokens_in(text)}
    return {"embeddings": {"values": _vector(text, wanted), "statistics": statistics}}


def _vector(text: str, wanted: int | None) -> list[float]:
    """Of unit length, and the same for the same text."""
    draw = random.Random(text)  # noqa: S311 - has to repeat with the text
    values = [draw.uniform(-1, 1) for _ in range(wanted or _DIMENSIONS)]
    length = sum(value * value for value in values) ** 0.5
    return [value / length for value in values]
