"""Where callers ask how many tokens a prompt has, in the forms of Anthropic, Google and OpenAI's responses."""

import re
from typing import Protocol
from urllib.parse import parse_qs, unquote_to_bytes

import msgspec

from earthward.chat import ChatRequest, Failure
from earthward.dialects import anthropic_messages, gemini, openai_responses
from earthward.dialects.anthropic_messages.count_tokens import write_count as write_anthropic
from earthward.dialects.envelope import Envelope, read
from earthward.dialects.gemini.count_tokens import read_count_request
from earthward.dialects.gemini.count_tokens import write_count as write_google
from earthward.gateway.doors.apart import Apart
from earthward.gateway.doors.door import Door, Glance, Headers
from earthward.providers.kind import Operation

_GOOGLE = re.compile(
    rb"/v1(?:alpha|beta|beta1)?/(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/google/)?models/(.+):countTokens"
)
_WHOLE = "generateContentRequest"


class CountDoor(Door, Protocol):
    def write_count(self, tokens: int) -> bytes: ...


class _Door(Apart):
    asked_for = "a count"

    operation: Operation = "count"


class AnthropicCount(_Door):
    path = b"/v1/messages/count_tokens"
    family = b"/v1/messages/count_tokens"
    dialect = "anthropic_messages"
    key_dialect = "anthropic_messages"
    vendor: str | None = "anthropic"
    id_header: bytes | None = b"request-id"

    def glance(self, envelope: Envelope) -> Glance | Failure:
        return _at_once(anthropic_messages.glance(envelope))

    def read(self, envelope: Envelope) -> ChatRequest | Failure:
        filled = envelope if envelope.has("max_tokens") else envelope.with_fields(max_tokens=1)
        return anthropic_messages.read_request(filled.encode())

    def write_count(self, tokens: int) -> bytes:
        return write_anthropic(tokens)

    def write_failure(self, failure: Failure, id: str | None) -> tuple[int, Headers, bytes]:
        return anthropic_messages.write_failure(failure, id)

    def error_event(self, failure: Failure, id: str | None) -> bytes:
        return anthropic_messages.error_event(failure, id)


class OpenAICount(_Door):
    path = b"/v1/responses/input_tokens"
    family = b"/v1/responses/input_tokens"
    dialect = "openai_responses"
    key_dialect = "openai_chat"
    vendor: str | None = "openai"
    id_header: bytes | None = b"x-request-id"

    def glance(self, envelope: Envelope) -> Glance | Failure:
        return _at_once(openai_responses.glance(envelope))

    def read(self, envelope: Envelope) -> ChatRequest | Failure:
        return openai_responses.read_request(envelope.encode())

    def write_count(self, tokens: int) -> bytes:
        return openai_responses.write_count(tokens)

    def write_failure(self, failure: Failure, id: str | None) -> tuple[int, Headers, bytes]:
        return openai_responses.write_failure(failure)

    def error_event(self, failure: Failure, id: str | None) -> bytes:
        return openai_responses.error_event(failure)


class _Google(_Door):
    """For one request: the URL tells the model."""

    family = b"/v1beta"
    dialect = "gemini"
    vendor: str | None
    id_header: bytes | None = None

    def __init__(self, path: bytes, model: str, presented: bytes) -> None:
        self.path = path
        self.presented = presented
        # What is shown at Vertex AI's paths is nothing to the Gemini API.
        self.key_dialect = self.vendor = "vertex" if b"/publishers/" in path or b"/projects/" in path else "gemini"
        self._model = model

    def glance(self, envelope: Envelope) -> Glance | Failure:
        """Of the whole request where it is given so, else of its contents."""
        raw = envelope.fields.get(_WHOLE)
        whole = read(bytes(raw)) if raw is not None and envelope.has(_WHOLE) else envelope
        return whole if isinstance(whole, Failure) else gemini.glance(whole, self._model, False)

    def read(self, envelope: Envelope) -> ChatRequest | Failure:
        return read_count_request(envelope.encode(), self._model)

    def write_count(self, tokens: int) -> bytes:
        return write_google(tokens)

    def write_failure(self, failure: Failure, id: str | None) -> tuple[int, Headers, bytes]:
        return gemini.write_failure(failure, False)

    def error_event(self, failure: Failure, id: str | None) -> bytes:
        return gemini.error_event(failure)


def _at_once(seen: anthropic_messages.Glance | openai_responses.Glance | Failure) -> Glance | Failure:
    """A count does not stream, whatever else of a request for an answer was left in the one for its count."""
    if isinstance(seen, Failure):
        return seen
    return msgspec.structs.replace(seen, stream=False, features=seen.features - {"stream"})


def opened(path: bytes, query: bytes) -> Door | None:
    """The door at this path, if it is Google's for counts."""
    found = _GOOGLE.fullmatch(path)
    if found is None:
        return None
    key = parse_qs(query.decode("latin-1")).get("key", [""])[0].encode("latin-1")
    return _Google(path, unquote_to_bytes(found[1]).decode("utf-8", "replace"), key)


BESIDE: tuple[Door, ...] = (AnthropicCount(), OpenAICount())
