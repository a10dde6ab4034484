"""Google's embeddings: of contents, one or several, and of instances, which Vertex AI's older models know alone."""

import random
from typing import Any

from earthward.simulator.steps import Problem
from earthward.simulator.text import tokens_in
from earthward.simulator.vendors.gemini.errors import unknown_field
from earthward.simulator.vendors.gemini.paths import Place
from earthward.simulator.vendors.gemini.shapes import Batch, Embed, Predict, payload

Wire = dict[str, Any]
VERBS = frozenset({"embedContent", "batchEmbedContents", "predict"})
_DIMENSIONS = 768
_WIDEST = 3072
_BATCH = 100
_INSTANCES = 250
_CONFIG = frozenset(
    {"taskType", "title", "outputDimensionality", "autoTruncate", "documentOcr", "audioTrackExtraction"}
)


def embeddings(at: Place, body: bytes) -> Wire | Problem:
    if at.verb == "predict":
        return _predictions(at, body)
    if at.verb == "embedContent":
        found = payload(body, Embed)
        if isinstance(found, Problem):
            return found
        return _vectors_of(at, [found[0]], [found[1]])
    several = payload(body, Batch)
    if isinstance(several, Problem):
        return several
    if len(several[1].requests) > _BATCH:
        return Problem(400, f"* BatchEmbedContentsRequest.requests: at most {_BATCH} requests can be in one batch")
    return _vectors_of(at, several[0]["requests"], several[1].requests)


def _vectors_of(at: Place, wires: list[Wire], asked: list[Embed]) -> Wire | Problem:
    if at.is_vertex and (problem := _refused_at_vertex(at, wires)) is not None:
        return problem
    widths = [(each.embed_content_config or each).output_dimensionality for each in asked]
    if (wrong := _wrong_width(widths)) is not None:
        return wrong
    texts = ["\n".join(part.text for part in each.content.parts) for each in asked]
    vectors = [{"values": _vector(text, width)} for text, width in zip(texts, widths, strict=True)]
    told: Wire = {"embedding": vectors[0]} if at.verb == "embedContent" else {"embeddings": vectors}
    tokens = sum(map(tokens_in, texts))
    usage = {"promptTokenCount": tokens, "totalTokenCount": tokens}
    return told | ({"usageMetadata": usage, "truncated": False} if at.is_vertex else {})


def _predictions(at: Place, body: bytes) -> Wire | Problem:
    found = payload(body, Predict)
    if isinstance(found, Problem):
        return found
    asked = found[1]
    if _takes_contents(at.model):
        return Problem(400, "Precondition check failed.")
    count = len(asked.instances)
    if count > _INSTANCES:
        return Problem(400, f"{count} instance(s) is more than the {_INSTANCES} that one request may have.")
    wanted = asked.parameters.output_dimensionality if asked.parameters else None
    if (wrong := _wrong_width([wanted])) is not None:
        return wrong
    return {"predictions": [_predicted(each.content, wanted) for each in asked.instances]}


def _takes_contents(model: str) -> bool:
    return model.startswith("gemini-embedding-2") or model.endswith("-maas")


def _refused_at_vertex(at: Place, contents: list[Wire]) -> Problem | None:
    if not _takes_contents(at.model):
        return Problem(400, f"Publisher Model {at.model} is not supported in the {at.verb} API.")
    if at.verb == "batchEmbedContents" and at.model.endswith("-maas"):
        return Problem(400, f"Publisher Model {at.model} is not supported in the batchEmbedContents API.")
    for content in contents:
        unknown = content.keys() - {"content", "embedContentConfig"}
        unknown |= (content.get("embedContentConfig") or {}).keys() - _CONFIG
        if unknown:
            return unknown_field(min(unknown), "")
    return None


def _predicted(text: str, wanted: int | None) -> Wire:
    statistics = {"truncated": False, "token_count": tokens_in(text)}
    return {"embeddings": {"values": _vector(text, wanted), "statistics": statistics}}


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
