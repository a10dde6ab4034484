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


def _malformed(message: str) -> Failure:
    return Failure(FailureKind.MALFORMED, message)
