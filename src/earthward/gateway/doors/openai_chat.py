"""OpenAI's chat completions: callers of its SDKs, and targets at OpenAI or at servers that speak the same."""

from earthward.chat import Answer, ChatRequest, Failure
from earthward.config.snapshot import Provider, Target
from earthward.dialects import openai_chat
from earthward.dialects.envelope import Envelope
from earthward.gateway.doors.door import Glance, Headers, Question, Writer
from earthward.gateway.doors.exit import Heard, Listener, Reader, Way
from earthward.providers.kind import Operation


class ChatDoor:
    path = b"/v1/chat/completions"
    family = b"/v1/chat/"
    dialect = "openai_chat"
    key_dialect = "openai_chat"
    operation: Operation = "chat"
    vendor: str | None = "openai"
    stream_type = b"text/event-stream; charset=utf-8"
    id_header: bytes | None = b"x-request-id"
    presented = b""

    def glance(self, envelope: Envelope) -> Glance | Failure:
        return openai_chat.glance(envelope)

    def read(self, envelope: Envelope) -> ChatRequest | Failure:
        return openai_chat.read_request(envelope.encode(), limits=None)

    def answers_itself(self, question: Question) -> bytes | None:
        return None

    def writer(self, question: Question) -> Writer:
        envelope = question.envelope
        return openai_chat.StreamWriter(
            question.glance.model,
            openai_chat.wants_usage(envelope),
            _id(question),
            question.created,
            _speaks_of_functions(envelope),
        )

    def write_answer(self, question: Question, answer: Answer) -> bytes | Failure:
        named = Answer(_id(question), question.glance.model, question.created, answer.choices, answer.usage)
        return openai_chat.write_answer(named, _speaks_of_functions(question.envelope))

    def write_failure(self, failure: Failure, id: str | None) -> tuple[int, Headers, bytes]:
        return openai_chat.write_failure(failure)

    def error_event(self, failure: Failure, id: str | None) -> bytes:
        return openai_chat.error_event(failure)


class _Way:
    """`extensions` is whether the server takes more than OpenAI's own does."""

    def __init__(self, model: str, extensions: bool) -> None:
        self._model = model
        self._extensions = extensions

    def pass_on(self, question: Question) -> bytes:
        return openai_chat.prepare(question.envelope, self._model, question.glance.stream)

    def hear(self, question: Question, body: bytes) -> Heard:
        return openai_chat.listen_answer(body, question.glance.model)

    def listen(self, question: Question) -> Listener:
        envelope = question.envelope
        wants_usage = openai_chat.wants_usage(envelope)
        return openai_chat.StreamListener(question.glance.model, wants_usage, openai_chat.answers(envelope))

    def write_request(self, chat: ChatRequest) -> bytes | Failure:
        return openai_chat.write_request(chat, self._extensions)

    def losses(self, chat: ChatRequest) -> tuple[str, ...]:
        return openai_chat.losses(chat, self._extensions)

    def read_answer(self, chat: ChatRequest, body: bytes) -> Answer | Failure:
        return openai_chat.read_answer(body)

    def reader(self, chat: ChatRequest) -> Reader:
        return openai_chat.StreamReader(chat.answers)


class _Exit:
    dialect = "openai_chat"
    stream_type = b"text/event-stream"

    def way(self, target: Target, provider: Provider) -> Way:
        return _Way(target.model, extensions=provider.kind not in ("azure", "openai"))

    def failure_of(self, status: int, headers: Headers, body: bytes) -> Failure:
        return openai_chat.failure_of(status, headers, body)


def _id(question: Question) -> str:
    return f"chatcmpl-{question.id}"


def _speaks_of_functions(envelope: Envelope) -> bool:
    return "functions" in envelope.fields and "tools" not in envelope.fields


DOORS = (ChatDoor(),)
EXIT = _Exit()
