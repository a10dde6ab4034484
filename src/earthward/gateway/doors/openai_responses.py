"""OpenAI's responses. Where the gateway keeps them, an answer has its id and says that it is stored."""

from typing import Any

import msgspec

from earthward.chat import Answer, ChatRequest, Failure, FailureKind
from earthward.dialects import openai_responses
from earthward.dialects.envelope import Envelope
from earthward.gateway.doors.door import Glance, Headers, Question, Writer
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


class _Door:
    path = b"/v1/responses"
    family = b"/v1/responses"
    dialect = "openai_responses"
    key_dialect = "openai_chat"
    operation: Operation = "chat"
    vendor = "openai"
    stream_type = b"text/event-stream; charset=utf-8"
    id_header = b"x-request-id"
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


def _id(question: Question) -> str:
    return question.stored.id if question.stored is not None else f"resp_{question.id}"


def _echo(question: Question) -> dict[str, Any]:
    stored = question.stored.echoed if question.stored is not None else _NOT_KEPT
    return openai_responses.echo(question.envelope) | stored


DOORS = (_Door(),)
