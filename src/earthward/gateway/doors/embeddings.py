"""Where callers ask for texts as vectors, in the forms of OpenAI, Ollama and Google. No stream, no conversation."""

import re
from typing import Protocol
from urllib.parse import parse_qs, unquote_to_bytes

import msgspec

from earthward.chat import ChatRequest, Embeddings, EmbedRequest, Failure, FailureKind
from earthward.config.snapshot import EMBEDDINGS
from earthward.dialects import gemini as google
from earthward.dialects import ollama as ollamas
from earthward.dialects import openai_chat
from earthward.dialects.embeddings import gemini, ollama, openai
from earthward.dialects.envelope import Envelope
from earthward.gateway.doors.apart import Apart
from earthward.gateway.doors.door import Door, Glance, Headers, Question
from earthward.providers.kind import Operation

_GOOGLE = re.compile(
    rb"/v1(?:alpha|beta|beta1)?/(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/google/)?models/(.+)"
    rb":(embedContent|batchEmbedContents|predict)"
)
_FORMS: dict[bytes, gemini.Form] = {b"embedContent": "one", b"batchEmbedContents": "batch", b"predict": "predict"}


class Asked(msgspec.Struct, frozen=True):
    """What is seen of a request at a glance. Nobody is kept on one side: vectors of two models are never mixed."""

    model: str
    characters: int
    stream: bool = False
    unit: str | None = None
    root: bytes = b""
    features: frozenset[str] = frozenset({EMBEDDINGS})


class EmbeddingDoor(Door, Protocol):
    """`passes_to` is the dialect of targets that take its requests and give its answers as they are."""

    passes_to: str | None

    def read_embed(self, envelope: Envelope) -> EmbedRequest | Failure: ...
    def write_vectors(self, question: Question, found: Embeddings) -> bytes: ...


class _Door(Apart):
    """What the three have in common. A chat is neither read nor written here."""

    asked_for = "embeddings"

    operation: Operation = "embed"
    passes_to: str | None = None

    def read(self, envelope: Envelope) -> ChatRequest | Failure:
        return Failure(FailureKind.UNSUPPORTED, "embeddings are no chat")


class OpenAIEmbeddings(_Door):
    path = b"/v1/embeddings"
    family = b"/v1/embeddings"
    dialect = "openai_embeddings"
    key_dialect = "openai_chat"
    vendor: str | None = "openai"
    id_header: bytes | None = b"x-request-id"
    passes_to = "openai_chat"

    def glance(self, envelope: Envelope) -> Glance | Failure:
        return _asked(envelope, openai.characters(envelope))

    def read_embed(self, envelope: Envelope) -> EmbedRequest | Failure:
        return openai.read_request(envelope.encode())

    def write_vectors(self, question: Question, found: Embeddings) -> bytes:
        return openai.write_answer(found, question.glance.model, openai.wants_base64(question.envelope))

    def write_failure(self, failure: Failure, id: str | None) -> tuple[int, Headers, bytes]:
        return openai_chat.write_failure(failure)

    def error_event(self, failure: Failure, id: str | None) -> bytes:
        return openai_chat.error_event(failure)


class _Ollama(_Door):
    """`legacy` is the older path, for one text."""

    family = b"/api/embed"
    dialect = "ollama_embeddings"
    key_dialect = "ollama"
    vendor: str | None = None
    id_header: bytes | None = None

    def __init__(self, path: bytes, legacy: bool) -> None:
        self.path = path
        self._legacy = legacy

    def glance(self, envelope: Envelope) -> Glance | Failure:
        return _asked(envelope, ollama.characters(envelope))

    def read_embed(self, envelope: Envelope) -> EmbedRequest | Failure:
        return ollama.read_request(envelope.encode())

    def answers_itself(self, question: Question) -> bytes | None:
        """Without a text it is a wish to have the model loaded, which is the operator's to decide."""
        if ollama.has_text(question.envelope):
            return None
        return ollama.write_nothing(question.glance.model, self._legacy)

    def write_vectors(self, question: Question, found: Embeddings) -> bytes:
        return ollama.write_answer(found, question.glance.model, self._legacy)

    def write_failure(self, failure: Failure, id: str | None) -> tuple[int, Headers, bytes]:
        return ollamas.write_failure(failure)

    def error_event(self, failure: Failure, id: str | None) -> bytes:
        return ollamas.error_line(failure)


class _Google(_Door):
    """For one request: the URL tells the model, and in which form it is asked."""

    family = b"/v1beta"
    dialect = "gemini_embeddings"
    vendor: str | None
    id_header: bytes | None = None

    def __init__(self, path: bytes, model: str, form: gemini.Form, presented: bytes) -> None:
        self.path = path
        self.presented = presented
        # What is shown at Vertex AI's paths is nothing to the Gemini API.
        self.key_dialect = self.vendor = "vertex" if b"/publishers/" in path or b"/projects/" in path else "gemini"
        self._model = model
        self._form = form

    def glance(self, envelope: Envelope) -> Glance | Failure:
        return Asked(self._model, gemini.text_length(envelope.encode()))

    def read_embed(self, envelope: Envelope) -> EmbedRequest | Failure:
        return gemini.read_request(envelope.encode(), self._model, self._form)

    def write_vectors(self, question: Question, found: Embeddings) -> bytes:
        return gemini.write_answer(found, self._form)

    def write_failure(self, failure: Failure, id: str | None) -> tuple[int, Headers, bytes]:
        return google.write_failure(failure, False)

    def error_event(self, failure: Failure, id: str | None) -> bytes:
        return google.error_event(failure)


def opened(path: bytes, query: bytes) -> Door | None:
    """The door at this path, if it is one of Google's for embeddings."""
    found = _GOOGLE.fullmatch(path)
    if found is None:
        return None
    key = parse_qs(query.decode("latin-1")).get("key", [""])[0].encode("latin-1")
    return _Google(path, unquote_to_bytes(found[1]).decode("utf-8", "replace"), _FORMS[found[2]], key)


def _asked(envelope: Envelope, characters: int) -> Asked | Failure:
    model = envelope.get_str("model")
    if not model:
        return Failure(FailureKind.BAD_REQUEST, "you must name a `model`", param="model")
    return Asked(model, characters)


BESIDE: tuple[Door, ...] = (OpenAIEmbeddings(), _Ollama(b"/api/embed", False), _Ollama(b"/api/embeddings", True))
