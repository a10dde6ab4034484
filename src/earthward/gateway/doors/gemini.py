"""Google's generateContent, at the paths of the Gemini API and of Vertex AI: the URL tells the model, and whether to
stream. Targets are at either, and are always asked for events.
"""

import re
import secrets
from urllib.parse import parse_qs, unquote_to_bytes

from earthward.chat import Answer, ChatRequest, Failure
from earthward.config.snapshot import Provider, Target
from earthward.dialects import gemini
from earthward.dialects.envelope import Envelope
from earthward.gateway.doors.door import Door, Glance, Headers, Question, Writer
from earthward.gateway.doors.exit import Heard, Listener, Reader, Way
from earthward.providers.kind import Operation

_PATH = re.compile(
    rb"/v1(?:alpha|beta|beta1)?/(projects/[^/]+/locations/[^/]+/)?(publishers/google/)?models/(.+)"
    rb":(generateContent|streamGenerateContent)"
)
_OLDER = re.compile(r"gemini-(?:1|2)\b|gemini-(?:pro|ultra)(?!-latest)")
"""Models before Gemini 3. `gemini-pro` is one, `gemini-pro-latest` whichever is the newest."""


class _Door:
    """For one request. A stream comes as events if it was asked for so, else as the elements of one array.

    At Vertex AI's paths callers show tokens or keys of Vertex AI, which are nothing to the Gemini API.
    """

    family = b"/v1beta"
    dialect = "gemini"
    operation: Operation = "chat"
    vendor: str | None
    id_header: bytes | None = None

    def __init__(
        self,
        path: bytes,
        model: str,
        *,
        stream: bool = False,
        array: bool = False,
        presented: bytes = b"",
        vertex: bool = False,
    ) -> None:
        self.path = path
        self.key_dialect = self.vendor = "vertex" if vertex else "gemini"
        self.presented = presented
        self.stream_type = b"application/json; charset=utf-8" if array else b"text/event-stream"
        self._model = model
        self._stream = stream
        self.array = array

    def glance(self, envelope: Envelope) -> Glance | Failure:
        return gemini.glance(envelope, self._model, self._stream)

    def read(self, envelope: Envelope) -> ChatRequest | Failure:
        return gemini.read_request(envelope.encode(), self._model, self._stream)

    def answers_itself(self, question: Question) -> bytes | None:
        return None

    def writer(self, question: Question) -> Writer:
        writer = gemini.StreamWriter(self._model, question.id, self.array)
        return gemini.BareWriter(writer) if _wants_a_word(question) else writer

    def write_answer(self, question: Question, answer: Answer) -> bytes | Failure:
        named = Answer(question.id, self._model, question.created, answer.choices, answer.usage)
        return gemini.write_answer(gemini.with_bare_words(named) if _wants_a_word(question) else named)

    def write_failure(self, failure: Failure, id: str | None) -> tuple[int, Headers, bytes]:
        return gemini.write_failure(failure, self.array)

    def error_event(self, failure: Failure, id: str | None) -> bytes:
        """Beside a heartbeat nothing was sent yet."""
        return gemini.error_event(failure, self.array, is_first=True)


def _wants_a_word(question: Question) -> bool:
    return isinstance(question.chat, ChatRequest) and gemini.is_one_of(question.chat.output)


def opened(path: bytes, query: bytes) -> Door | None:
    """The door at this path, if it is one of Google's; a key may stand in the query."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    asked = parse_qs(query.decode("latin-1"))
    stream = found[4] == b"streamGenerateContent"
    array = stream and asked.get("alt") != ["sse"]
    key = asked.get("key", [""])[0].encode("latin-1")
    model = unquote_to_bytes(found[3]).decode("utf-8", "replace")
    vertex = found[1] is not None or found[2] is not None
    return _Door(path, model, stream=stream, array=array, presented=key, vertex=vertex)


ANYWHERE: Door = _Door(b"/v1beta/models", "")
"""For what goes wrong beside a request, and for lists."""


class _Way:
    """What a model takes is known by its name: Gemini 3 wants its calls signed, those before it budgets."""

    def __init__(self, model: str, vertex: bool) -> None:
        self._vertex = vertex
        self._signed = _OLDER.match(model.rpartition("/")[2]) is None
        self._budgets = not self._signed

    def pass_on(self, question: Question) -> bytes:
        return gemini.prepare(question.envelope)

    def left_out(self, question: Question) -> tuple[str, ...]:
        return gemini.left_out(question.envelope)

    def hear(self, question: Question, body: bytes) -> Heard:
        return gemini.listen_answer(body, question.glance.model)

    def listen(self, question: Question) -> Listener:
        door = question.door
        array = isinstance(door, _Door) and door.array
        return gemini.StreamListener(question.glance.model, gemini.answers(question.envelope), array)

    def write_request(self, chat: ChatRequest) -> bytes | Failure:
        return gemini.write_request(chat, self._vertex, self._budgets, self._signed)

    def losses(self, chat: ChatRequest) -> tuple[str, ...]:
        return gemini.losses(chat, self._vertex, self._budgets)

    def read_answer(self, chat: ChatRequest, body: bytes) -> Answer | Failure:
        return gemini.read_answer(body, _unnamed())

    def reader(self, chat: ChatRequest) -> Reader:
        return gemini.StreamReader(chat.answers, _unnamed())


def _unnamed() -> str:
    """For answers without an id: their calls must not have the ids of another turn's."""
    return secrets.token_hex(6)


class _Exit:
    dialect = "gemini"
    stream_type = b"text/event-stream"

    def way(self, target: Target, provider: Provider) -> Way:
        return _Way(target.model, provider.kind == "vertex")

    def failure_of(self, status: int, headers: Headers, body: bytes) -> Failure:
        return gemini.failure_of(status, headers, body)


EXIT = _Exit()
