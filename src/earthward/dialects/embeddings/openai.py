"""Embeddings in OpenAI's form. Its SDKs ask for vectors as base64 of little-endian 32-bit numbers."""

import base64
import binascii
import sys
from array import array
from typing import Any

import msgspec

from earthward.chat import Count, Embeddings, EmbedRequest, Failure, FailureKind
from earthward.chat.usage import UNKNOWN
from earthward.dialects.embeddings.reading import answer_of, request_of
from earthward.dialects.envelope import Envelope
from earthward.dialects.inexpressible import Inexpressible
from earthward.dialects.json_limits import NOT_JSON
from earthward.dialects.openai_chat.errors import failure_of_error


class Heard(msgspec.Struct, frozen=True):
    """An answer to send on, and how many tokens it says were read. With a failure the body is empty."""

    body: bytes
    input: Count = UNKNOWN
    failure: Failure | None = None


class _Request(msgspec.Struct):
    model: str
    input: str | list[Any]
    dimensions: int | None = None
    encoding_format: str | None = None
    user: str | None = None


class _Vector(msgspec.Struct):
    embedding: list[float] | str
    index: int = 0


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None


class _Answer(msgspec.Struct):
    data: list[_Vector] | None = None
    model: str | None = None
    usage: _Usage | None = None
    error: Any = None


_KNOWN = frozenset(_Request.__struct_fields__)
CHARACTERS_PER_NUMBER = 4
"""A token that was sent as a number stands for about so many."""
_LARGEST = 3.4028234e38
"""What 32 bits can hold."""


def read_request(body: bytes) -> EmbedRequest | Failure:
    return request_of(body, _request)


def wants_base64(envelope: Envelope) -> bool:
    return envelope.get_str("encoding_format") == "base64"


def characters(envelope: Envelope) -> int:
    """Of all texts, for an estimate before the request is read; of tokens that were sent as numbers, as if of text."""
    given = envelope.get("input")
    return len(given) if isinstance(given, str) else _length(given)


def prepare(envelope: Envelope, model: str) -> bytes:
    """The body for a target that speaks the same: tokens as numbers, too, mean the same to the same model."""
    return envelope.with_fields(model=model).encode()


def listen_answer(body: bytes, model: str, texts: int) -> Heard:
    """The answer as it came, but for `model`, which is what the client asked for."""
    try:
        wire = msgspec.json.decode(body, type=_Answer)
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except NOT_JSON as error:
        message = f"the provider's answer holds no embeddings: {error}"
        return Heard(b"", failure=Failure(FailureKind.MALFORMED, message))
    if wire.error:
        return Heard(b"", failure=failure_of_error(wire.error))
    if len(wire.data or ()) != texts:
        message = f"the provider gave {len(wire.data or ())} vectors for {texts} texts"
        return Heard(b"", failure=Failure(FailureKind.MALFORMED, message))
    fields["model"] = msgspec.Raw(msgspec.json.encode(model))
    return Heard(msgspec.json.encode(fields), _count(wire.usage))


def how_many(envelope: Envelope) -> int:
    """Texts of a request: a string, several, one as numbers, or several as numbers."""
    given = envelope.get("input")
    is_one = isinstance(given, str) or (isinstance(given, list) and bool(given) and isinstance(given[0], int))
    return 1 if is_one else len(given) if isinstance(given, list) else 0


def write_request(request: EmbedRequest) -> bytes | Failure:
    wire = {
        **request.rest,
        "model": request.model,
        "input": request.texts,
        "dimensions": request.dimensions,
        "user": request.user,
        "encoding_format": "float",
    }
    return msgspec.json.encode({name: value for name, value in wire.items() if value is not None})


def losses(request: EmbedRequest) -> tuple[str, ...]:
    lost = [name for name in ("task", "title", "truncate") if getattr(request, name) is not None]
    return (*lost, *request.rest)


def read_answer(body: bytes, request: EmbedRequest) -> Embeddings | Failure:
    return answer_of(body, _answer, request)


def write_answer(found: Embeddings, model: str, base64: bool) -> bytes:
    """`base64` is whether the client asked for that."""
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if base64 else vector}
        for index, vector in enumerate(found.vectors)
    ]
    usage = {"prompt_tokens": found.input.tokens, "total_tokens": found.input.tokens}
    return msgspec.json.encode({"object": "list", "data": data, "model": model, "usage": usage})


def _request(raw: Any) -> EmbedRequest:
    wire = msgspec.convert(raw, _Request)
    if wire.encoding_format not in (None, "float", "base64"):
        message = f"`encoding_format` is {wire.encoding_format!r}; known are float, base64"
        raise Inexpressible(message, "encoding_format", FailureKind.BAD_REQUEST)
    rest = {name: value for name, value in raw.items() if name not in _KNOWN}
    return EmbedRequest(wire.model, _texts(wire.input), wire.dimensions, user=wire.user, rest=rest)


def _texts(wire: str | list[Any]) -> tuple[str, ...]:
    texts = (wire,) if isinstance(wire, str) else tuple(wire)
    if not all(isinstance(text, str) for text in texts):
        message = (
            "token numbers mean something to one model only; send the text "
            "(LangChain: OpenAIEmbeddings(check_embedding_ctx_length=False))"
        )
        raise Inexpressible(message, "input")
    return texts


def _answer(raw: Any) -> Embeddings | Failure:
    wire = msgspec.convert(raw, _Answer)
    if wire.error:
        return failure_of_error(wire.error)
    data = sorted(wire.data or (), key=lambda vector: vector.index)
    return Embeddings(wire.model, tuple(_vector(one.embedding) for one in data), _count(wire.usage))


def _count(usage: _Usage | None) -> Count:
    tokens = usage.prompt_tokens if usage is not None else None
    return Count.reported(tokens) if tokens is not None and tokens >= 0 else UNKNOWN


def _length(given: Any) -> int:
    if not isinstance(given, list):
        return CHARACTERS_PER_NUMBER
    return sum(len(one) if isinstance(one, str) else _length(one) for one in given)


def _vector(wire: list[float] | str) -> list[float]:
    """Raises ValueError."""
    if isinstance(wire, list):
        return wire
    numbers = array("f")
    try:
        numbers.frombytes(base64.b64decode(wire, validate=True))
    except binascii.Error as error:
        raise ValueError("a vector is no base64") from error
    return _little_endian(numbers).tolist()


def _packed(vector: list[float]) -> str:
    if any(abs(number) > _LARGEST for number in vector):
        # Would become infinite: as near as they come.
        vector = [max(-_LARGEST, min(_LARGEST, number)) for number in vector]
    return base64.b64encode(_little_endian(array("f", vector)).tobytes()).decode()


def _little_endian(numbers: "array[float]") -> "array[float]":
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
