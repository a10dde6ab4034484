"""What a caller asks for who wants texts as vectors, and what comes back."""

from typing import Any, Literal

import msgspec

from earthward.chat.failures import Failure, FailureKind
from earthward.chat.usage import UNKNOWN, Count

Task = Literal["query", "document", "similarity", "classification", "clustering", "question", "fact", "code"]


class EmbedRequest(msgspec.Struct, frozen=True):
    """`task` is what the vectors are for, `title` that of a document. `truncate` is whether texts may be cut.

    `rest` keeps the fields this vocabulary has no word for, under their names on the wire.
    """

    model: str
    texts: tuple[str, ...]
    dimensions: int | None = None
    task: Task | None = None
    title: str | None = None
    truncate: bool | None = None
    user: str | None = None
    rest: dict[str, Any] = {}


class Embeddings(msgspec.Struct, frozen=True):
    """One vector for each text, in their order; `input` is in tokens."""

    model: str | None
    vectors: tuple[list[float], ...]
    input: Count = UNKNOWN


def checked(found: Embeddings, request: EmbedRequest) -> Embeddings | Failure:
    """A failure if the vectors are not those of the texts: stored under the wrong text they would do harm for years."""
    vectors = found.vectors
    if len(vectors) != len(request.texts):
        return _malformed(f"the provider gave {len(vectors)} vectors for {len(request.texts)} texts")
    if any(len(vector) != len(vectors[0]) for vector in vectors) or not all(vectors):
        return _malformed("the provider gave vectors that are empty, or of different sizes")
    if request.dimensions is not None and len(vectors[0]) != request.dimensions:
        return _malformed(f"the provider gave vectors of {len(vectors[0])} numbers, not of {request.dimensions}")
    return found


def in_batches(request: EmbedRequest, most: int) -> list[EmbedRequest]:
    """The same in requests of at most so many texts each, for providers that take no more."""
    starts = range(0, len(request.texts), most)
    return [msgspec.structs.replace(request, texts=request.texts[start : start + most]) for start in starts]


def joined(answers: list[Embeddings]) -> Embeddings:
    """The answers to `in_batches` as one. A count that one of them lacks is not known of the whole."""
    vectors = tuple(vector for answer in answers for vector in answer.vectors)
    is_counted = bool(answers) and all(answer.input.is_known for answer in answers)
    tokens = Count.reported(sum(answer.input.tokens for answer in answers)) if is_counted else UNKNOWN
    return Embeddings(answers[0].model if answers else None, vectors, tokens)


def with_prefix(request: EmbedRequest, prefixes: dict[str, str]) -> EmbedRequest:
    """The texts as a model wants them that is told of the task in words, such as `search_query: `."""
    prefix = prefixes.get(request.task or "", prefixes.get("", ""))
    return msgspec.structs.replace(request, texts=tuple(prefix + text for text in request.texts))


def _malformed(message: str) -> Failure:
    return Failure(FailureKind.MALFORMED, message)
