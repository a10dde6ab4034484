"""OpenAI's responses: callers, and targets that are asked so. Where the gateway keeps them, an answer has its id and
says that it is stored.
"""

from typing import Any

import msgspec

from earthward.chat import Answer, ChatRequest, Failure, FailureKind
from earthward.config.snapshot import Provider, Target
from earthward.dialects import openai_responses
from earthward.dialects.envelope import Envelope
from earthward.gateway.doors.door import Glance, Headers, Question, Writer
from earthward.gateway.doors.exit import Heard, Listener, Reader, Way
from earthward.providers.kind import Operation

_NOT_KEPT = {"store": msgspec.Raw(b"false")}
IN_THE_BACKGROUND = Failure(
    FailureKind.UNSUPPORTED,
    "no response is made in the background here; leave `background` out and wait, or stream",
    param="background",
)
NOT_STORED = Failure(
    FailureKind.UNSUPPORTED,
    "no responses are stored here: leave `store` out and send the whole conversation in `input`, or have the gateway's "
    "operator configure a `content_key`",
    param="store",
)


class ResponsesDoor:
    path = b"/v1/responses"
    family = b"/v1/responses"
    dialect = "openai_responses"
    key_dialect = "openai_chat"
    operation: Operation = "chat"
    vendor: str | None = "openai"
    stream_type = b"text/event-stream; charset=utf-8"
    id_header: bytes | None = b"x-request-id"
    presented = b""

    def glance(self, envelope: Envelope) -> Glance | Failure:
        if envelope.get_bool("background"):
            return IN_THE_BACKGROUND
        return openai_responses.glance(envelope)

    def read(self, envelope: Envelope) -> ChatRequest | Failure:
        # What is kept here was made to say `store: false` before.
        return NOT_STORED if envelope.get_bool("store") else openai_responses.read_request(envelope.encode())

    def answers_itself(self, question: Question) -> bytes | None:
        return None

    def writer(self, question: Question) -> Writer:
        return openai_responses.StreamWriter(question.glance.model, _id(question), question.created, _echo(question))

    def write_answer(self, question: Question, answer: Answer) -> bytes | Failure:
        named = Answer(_id(question), question.glance.model, question.created, answer.choices, answer.usage)
        return openai_responses.write_answer(named, echoed=_echo(question))

    def write_failure(self, failure: Failure, id: str | None) -> tuple[int, Headers, bytes]:
        return openai_responses.write_failure(failure)

    def error_event(self, failure: Failure, id: str | None) -> bytes:
        return openai_responses.error_event(failure)


class _Way:
    """`extensions` is whether the server takes more than OpenAI's own does."""

    def __init__(self, model: str, extensions: bool) -> None:
        self._model = model
        self._extensions = extensions

    def pass_on(self, question: Question) -> bytes:
        return openai_responses.prepare(question.envelope, self._model)

    def left_out(self, question: Question) -> tuple[str, ...]:
        return openai_responses.left_out(question.envelope)

    def hear(self, question: Question, body: bytes) -> Heard:
        return openai_responses.listen_answer(body, question.glance.model)

    def listen(self, question: Question) -> Listener:
        return openai_responses.StreamListener(question.glance.model)

    def write_request(self, chat: ChatRequest) -> bytes | Failure:
        return openai_responses.write_request(chat, self._extensions)

    def losses(self, chat: ChatRequest) -> tuple[str, ...]:
        return openai_responses.losses(chat, self._extensions)

    def read_answer(self, chat: ChatRequest, body: bytes) -> Answer | Failure:
        return openai_responses.read_answer(body)

    def reader(self, chat: ChatRequest) -> Reader:
        return openai_responses.StreamReader()


class _Exit:
    dialect = "openai_responses"
    stream_type = b"text/event-stream"

    def way(self, target: Target, provider: Provider) -> Way:
        return _Way(target.model, extensions=provider.kind == "openai_compatible")

    def failure_of(self, status: int, headers: Headers, body: bytes) -> Failure:
        return openai_responses.failure_of(status, headers, body)


def _id(question: Question) -> str:
    return question.stored.id if question.stored is not None else f"resp_{question.id}"


def _echo(question: Question) -> dict[str, Any]:
    stored = question.stored.echoed if question.stored is not None else _NOT_KEPT
    return openai_responses.echo(question.envelope) | stored


DOORS = (ResponsesDoor(),)
EXIT = _Exit()
