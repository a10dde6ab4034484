"""Google's generateContent, at the paths of the Gemini API and of Vertex AI: the URL tells the model, and whether to
stream.
"""

import re
from urllib.parse import parse_qs, unquote_to_bytes

from earthward.chat import Answer, ChatRequest, Failure
from earthward.dialects import gemini
from earthward.dialects.envelope import Envelope
from earthward.gateway.doors.door import Door, Glance, Headers, Question, Writer
from earthward.providers.kind import Operation

_PATH = re.compile(
    rb"/v1(?:alpha|beta|beta1)?/(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/google/)?models/([^/]+)"
    rb":(generateContent|streamGenerateContent)"
)


class _Door:
    """For one request. A stream comes as events if it was asked for so, else as the elements of one array."""

    family = b"/v1beta"
    dialect = "gemini"
    key_dialect = "gemini"
    operation: Operation = "chat"
    vendor: str | None = "gemini"
    id_header: bytes | None = None

    def __init__(self, path: bytes, model: str, stream: bool, array: bool, presented: bytes) -> None:
        self.path = path
        self.presented = presented
        self.stream_type = b"application/json; charset=utf-8" if array else b"text/event-stream"
        self._model = model
        self._stream = stream
        self._array = array

    def glance(self, envelope: Envelope) -> Glance | Failure:
        return gemini.glance(envelope, self._model, self._stream)

    def read(self, envelope: Envelope) -> ChatRequest | Failure:
        return gemini.read_request(envelope.encode(), self._model, self._stream)

    def answers_itself(self, question: Question) -> bytes | None:
        return None

    def writer(self, question: Question) -> Writer:
        return gemini.StreamWriter(self._model, question.id, self._array)

    def write_answer(self, question: Question, answer: Answer) -> bytes | Failure:
        named = Answer(question.id, self._model, question.created, answer.choices, answer.usage)
        return gemini.write_answer(named)

    def write_failure(self, failure: Failure, id: str | None) -> tuple[int, Headers, bytes]:
        return gemini.write_failure(failure, self._array)

    def error_event(self, failure: Failure, id: str | None) -> bytes:
        return gemini.error_event(failure)


def opened(path: bytes, query: bytes) -> Door | None:
    """The door at this path, if it is one of Google's; a key may stand in the query."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    asked = parse_qs(query.decode("latin-1"))
    stream = found[2] == b"streamGenerateContent"
    array = stream and asked.get("alt") != ["sse"]
    key = asked.get("key", [""])[0].encode("latin-1")
    return _Door(path, unquote_to_bytes(found[1]).decode("utf-8", "replace"), stream, array, key)


ANYWHERE: Door = _Door(b"/v1beta/models", "", False, False, b"")
"""For what goes wrong beside a request, and for lists."""
