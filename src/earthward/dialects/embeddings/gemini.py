"""Embeddings in Google's forms: one content, several, and Vertex AI's predictions."""

from typing import Any, Literal

import msgspec

from earthward.chat import Count, Embeddings, EmbedRequest, Failure, FailureKind, Task
from earthward.chat.usage import UNKNOWN
from earthward.dialects.embeddings.reading import answer_of, request_of
from earthward.dialects.gemini.errors import failure_of_error
from earthward.dialects.gemini.fields import with_camel_names
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.json_limits import NOT_JSON

Form = Literal["one", "batch", "predict"]
"""embedContent, batchEmbedContents, and predict at Vertex AI."""

_TASKS: dict[str, Task] = {
    "RETRIEVAL_QUERY": "query",
    "RETRIEVAL_DOCUMENT": "document",
    "SEMANTIC_SIMILARITY": "similarity",
    "CLASSIFICATION": "classification",
    "CLUSTERING": "clustering",
    "QUESTION_ANSWERING": "question",
    "FACT_VERIFICATION": "fact",
    "CODE_RETRIEVAL_QUERY": "code",
}
"""In the order of their numbers, from 1, which Google's older SDKs write."""
_WORDS = {task: word for word, task in _TASKS.items()}


class _Content(msgspec.Struct):
    parts: list[dict[str, Any]]


class _Config(msgspec.Struct, rename="camel"):
    task_type: str | int | None = None
    title: str | None = None
    output_dimensionality: int | None = None
    auto_truncate: bool | None = None


class _One(_Config, rename="camel", kw_only=True):
    """What tunes stands beside the content, or, as newer SDKs write it for Vertex AI, apart."""

    content: _Content
    embed_content_config: _Config | None = None

    @property
    def tuned(self) -> tuple[str | int | None, str | None, int | None, bool | None]:
        apart = self.embed_content_config or self
        return (
            apart.task_type if apart.task_type is not None else self.task_type,
            apart.title if apart.title is not None else self.title,
            apart.output_dimensionality if apart.output_dimensionality is not None else self.output_dimensionality,
            apart.auto_truncate if apart.auto_truncate is not None else self.auto_truncate,
        )


_KNOWN = frozenset({"model", *_One.__struct_encode_fields__})
_KNOWN_APART = frozenset(_Config.__struct_encode_fields__)


_TEXT = frozenset({"text"})
_CARRYING = frozenset({"inlineData", "fileData", "functionCall", "functionResponse", "executableCode"})
_CARRYING |= {"codeExecutionResult", "toolCall", "toolResponse"}
"""What a part may hold that is no text."""


class _Batch(msgspec.Struct):
    requests: list[_One]


class _Instance(msgspec.Struct, rename="camel"):
    content: str
    task_type: str | int | None = None
    title: str | None = None


class _Parameters(msgspec.Struct, rename="camel"):
    auto_truncate: bool | None = None
    output_dimensionality: int | None = None


class _Prediction(msgspec.Struct):
    instances: list[_Instance]
    parameters: _Parameters | None = None


class _Statistics(msgspec.Struct):
    token_count: float | None = None


class _Vector(msgspec.Struct):
    values: list[float]
    statistics: _Statistics | None = None


class _Predicted(msgspec.Struct):
    embeddings: _Vector


class _Usage(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None


class _Answer(msgspec.Struct, rename="camel"):
    embedding: _Vector | None = None
    embeddings: list[_Vector] | None = None
    predictions: list[_Predicted] | None = None
    usage_metadata: _Usage | None = None
    error: Any = None


def read_request(body: bytes, model: str, form: Form) -> EmbedRequest | Failure:
    """The model stands in the URL here."""
    readers = {"one": _one, "batch": _batch, "predict": _predict}
    return request_of(body, lambda raw: readers[form](with_camel_names(raw), model))


def write_request(request: EmbedRequest, form: Form = "batch", vertex: bool = False) -> bytes | Failure:
    """Fails for `one` if there are more texts. At Vertex AI what tunes stands apart from the contents."""
    if form == "predict":
        return msgspec.json.encode(_prediction(request))
    write = _written_at_vertex if vertex else _written
    written = [write(request, text) for text in request.texts]
    if form == "batch":
        return msgspec.json.encode({"requests": written})
    if len(written) != 1:
        message = f"{request.model} embeds one text at a time; send the {len(written)} one by one"
        return Failure(FailureKind.UNSUPPORTED, message, param="input")
    return msgspec.json.encode(written[0])


def losses(request: EmbedRequest, form: Form = "batch", vertex: bool = False) -> tuple[str, ...]:
    """Only at Vertex AI can be said whether texts may be cut."""
    unsaid = ("user",) if vertex or form == "predict" else ("user", "truncate")
    return (*(name for name in unsaid if getattr(request, name) is not None), *request.rest)


def read_answer(body: bytes, request: EmbedRequest) -> Embeddings | Failure:
    return answer_of(body, _answer, request)


def write_answer(found: Embeddings, form: Form) -> bytes:
    usage = {"usageMetadata": {"promptTokenCount": found.input.tokens}} if found.input.is_known else {}
    vectors = [{"values": vector} for vector in found.vectors]
    if form == "predict":
        return msgspec.json.encode({"predictions": [{"embeddings": vector} for vector in vectors]})
    return msgspec.json.encode({**({"embedding": vectors[0]} if form == "one" else {"embeddings": vectors}), **usage})


def text_length(body: bytes) -> int:
    """Characters of all that may be text in it, for an estimate before the request is read."""
    try:
        return _length(msgspec.json.decode(body))
    except NOT_JSON:
        return 0


def _length(value: Any) -> int:
    if isinstance(value, list):
        return sum(map(_length, value))
    if not isinstance(value, dict):
        return 0
    texts = (value.get("text"), value.get("content"))
    return sum(len(text) for text in texts if isinstance(text, str)) + sum(map(_length, value.values()))


def _one(raw: Any, model: str) -> EmbedRequest:
    return _request([msgspec.convert(raw, _One)], [raw], model)


def _batch(raw: Any, model: str) -> EmbedRequest:
    wires = msgspec.convert(raw, _Batch).requests
    return _request(wires, raw["requests"], model)


def _request(wires: list[_One], raws: list[dict[str, Any]], model: str) -> EmbedRequest:
    shared = {wire.tuned for wire in wires}
    if len(shared) > 1:
        message = "the requests of a batch differ in more than their texts; send them one by one"
        raise Inexpressible(message, "requests")
    texts = tuple(_text(wire.content, f"requests[{place}].content") for place, wire in enumerate(wires))
    task, title, dimensions, truncate = shared.pop() if shared else (None, None, None, None)
    apart = [raw.get("embedContentConfig") or {} for raw in raws]
    inside = [part for wire in wires for part in wire.content.parts]
    rest = {**_unknown(raws, _KNOWN), **_unknown(apart, _KNOWN_APART), **_unknown_task(task)}
    rest |= {f"content.parts.{name}": value for name, value in _unknown(inside, _TEXT).items()}
    return EmbedRequest(model, texts, dimensions, _task(task), title, truncate, rest=rest)


def _predict(raw: Any, model: str) -> EmbedRequest:
    wire = msgspec.convert(raw, _Prediction)
    told = wire.parameters or _Parameters()
    shared = {(one.task_type, one.title) for one in wire.instances}
    if len(shared) > 1:
        raise Inexpressible("the instances differ in more than their texts; send them one by one", "instances")
    task, title = shared.pop() if shared else (None, None)
    texts = tuple(one.content for one in wire.instances)
    rest = {
        **_unknown(raw["instances"], frozenset(_Instance.__struct_encode_fields__)),
        **_unknown([raw.get("parameters") or {}], frozenset(_Parameters.__struct_encode_fields__)),
        **_unknown_task(task),
    }
    return EmbedRequest(model, texts, told.output_dimensionality, _task(task), title, told.auto_truncate, rest=rest)


def _unknown(raws: list[dict[str, Any]], known: frozenset[str]) -> dict[str, Any]:
    return {name: value for raw in raws for name, value in raw.items() if name not in known}


def _unknown_task(word: str | int | None) -> dict[str, Any]:
    return {"taskType": word} if word is not None and _task(word) is None else {}


def _task(word: str | int | None) -> Task | None:
    """One that is not known only tunes, and there may be new ones."""
    if isinstance(word, int):
        return [*_TASKS.values()][word - 1] if 0 < word <= len(_TASKS) else None
    return _TASKS.get((word or "").upper())


def _text(content: _Content, where: str) -> str:
    """All else that a part may say carries content, even for models that take it: vectors here are those of texts."""
    texts = []
    for place, part in enumerate(content.parts):
        other = next((name for name, value in part.items() if name in _CARRYING and value is not None), None)
        text = part.get("text")
        if other is not None or not isinstance(text, str):
            kind = f"`{other}`" if other is not None else "a part without `text`"
            message = f"{kind} cannot be embedded here, where only text can; send its text, or ask Google itself"
            raise Inexpressible(message, f"{where}.parts[{place}]")
        texts.append(text)
    return "".join(texts)


def _written(request: EmbedRequest, text: str) -> dict[str, Any]:
    wire = {
        "model": f"models/{request.model}",
        "content": {"parts": [{"text": text}]},
        "taskType": _WORDS.get(request.task) if request.task is not None else None,
        "title": request.title,
        "outputDimensionality": request.dimensions,
    }
    return {name: value for name, value in wire.items() if value is not None}


def _written_at_vertex(request: EmbedRequest, text: str) -> dict[str, Any]:
    config = {
        "taskType": _WORDS.get(request.task) if request.task is not None else None,
        "title": request.title,
        "outputDimensionality": request.dimensions,
        # Otherwise texts may be cut without a word.
        "autoTruncate": bool(request.truncate),
    }
    told = {name: value for name, value in config.items() if value is not None}
    return {"content": {"role": "user", "parts": [{"text": text}]}, "embedContentConfig": told}


def _prediction(request: EmbedRequest) -> dict[str, Any]:
    about = {"task_type": _WORDS.get(request.task) if request.task is not None else None, "title": request.title}
    told = {name: value for name, value in about.items() if value is not None}
    parameters = {"autoTruncate": bool(request.truncate), "outputDimensionality": request.dimensions}
    return {
        "instances": [{"content": text, **told} for text in request.texts],
        # Otherwise texts would be cut without a word.
        "parameters": {name: value for name, value in parameters.items() if value is not None},
    }


def _answer(raw: Any) -> Embeddings | Failure:
    wire = msgspec.convert(raw, _Answer)
    if wire.error:
        return failure_of_error(wire.error)
    vectors = [*([wire.embedding] if wire.embedding is not None else []), *(wire.embeddings or ())]
    vectors += [predicted.embeddings for predicted in wire.predictions or ()]
    return Embeddings(None, tuple(vector.values for vector in vectors), _counted(wire, vectors))


def _counted(wire: _Answer, vectors: list[_Vector]) -> Count:
    tokens = wire.usage_metadata.prompt_token_count if wire.usage_metadata is not None else None
    if tokens is None:
        counts = [vector.statistics.token_count if vector.statistics is not None else None for vector in vectors]
        known = [count for count in counts if count is not None]
        tokens = int(sum(known)) if known and len(known) == len(counts) else None
    return Count.reported(tokens) if tokens is not None and tokens >= 0 else UNKNOWN
