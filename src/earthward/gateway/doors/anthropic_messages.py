"""Anthropic's messages: callers of its SDKs, and targets at Anthropic or at servers that speak the same."""

from earthward.chat import Answer, ChatRequest, Failure
from earthward.config.snapshot import Provider, Target
from earthward.dialects import anthropic_messages
from earthward.dialects.envelope import Envelope
from earthward.gateway.doors.door import Glance, Headers, Question, Writer
from earthward.gateway.doors.exit import Heard, Listener, Reader, Way
from earthward.providers.kind import Operation


class MessagesDoor:
    path = b"/v1/messages"
    family = b"/v1/messages"
    dialect = "anthropic_messages"
    key_dialect = "anthropic_messages"
    operation: Operation = "chat"
    vendor: str | None = "anthropic"
    stream_type = b"text/event-stream; charset=utf-8"
    id_header: bytes | None = b"request-id"
    presented = b""

    def glance(self, envelope: Envelope) -> Glance | Failure:
        return anthropic_messages.glance(envelope)

    def read(self, envelope: Envelope) -> ChatRequest | Failure:
        return anthropic_messages.read_request(envelope.encode(), limits=None)

    def answers_itself(self, question: Question) -> bytes | None:
        return None

    def writer(self, question: Question) -> Writer:
        return anthropic_messages.StreamWriter(question.glance.model, _id(question), question.input_tokens)

    def write_answer(self, question: Question, answer: Answer) -> bytes | Failure:
        named = Answer(_id(question), question.glance.model, question.created, answer.choices, answer.usage)
        return anthropic_messages.write_answer(named)

    def write_failure(self, failure: Failure, id: str | None) -> tuple[int, Headers, bytes]:
        return anthropic_messages.write_failure(failure, id)

    def error_event(self, failure: Failure, id: str | None) -> bytes:
        return anthropic_messages.error_event(failure, id)


class _Way:
    """`extensions` is whether the server takes more than Anthropic's own does, and checks no signatures.

    `vertex` is for Vertex AI, where the model stands in the path.
    """

    def __init__(self, model: str, extensions: bool, vertex: bool) -> None:
        self._model = model
        self._extensions = extensions
        self._vertex = vertex

    def pass_on(self, question: Question) -> bytes:
        body = anthropic_messages.prepare(
            question.envelope, self._model, question.glance.stream, extensions=self._extensions
        )
        return anthropic_messages.at_vertex(body) if self._vertex else body

    def left_out(self, question: Question) -> tuple[str, ...]:
        return anthropic_messages.left_out(question.envelope, self._extensions)

    def hear(self, question: Question, body: bytes) -> Heard:
        return anthropic_messages.listen_answer(body, question.glance.model)

    def listen(self, question: Question) -> Listener:
        return anthropic_messages.StreamListener(question.glance.model, question.input_tokens)

    def write_request(self, chat: ChatRequest) -> bytes | Failure:
        body = anthropic_messages.write_request(chat, extensions=self._extensions)
        return anthropic_messages.at_vertex(body) if self._vertex and isinstance(body, bytes) else body

    def losses(self, chat: ChatRequest) -> tuple[str, ...]:
        return anthropic_messages.losses(chat, extensions=self._extensions)

    def read_answer(self, chat: ChatRequest, body: bytes) -> Answer | Failure:
        return anthropic_messages.read_answer(body)

    def reader(self, chat: ChatRequest) -> Reader:
        return anthropic_messages.StreamReader()


class _Exit:
    dialect = "anthropic_messages"
    stream_type = b"text/event-stream"

    def way(self, target: Target, provider: Provider) -> Way:
        return _Way(target.model, extensions=provider.zone == "local", vertex=provider.kind == "vertex")

    def failure_of(self, status: int, headers: Headers, body: bytes) -> Failure:
        return anthropic_messages.failure_of(status, headers, body)


def _id(question: Question) -> str:
    return f"msg_{question.id}"


DOORS = (MessagesDoor(),)
EXIT = _Exit()
