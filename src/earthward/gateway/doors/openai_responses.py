"""OpenAI's responses. No response is kept here yet, so that none can be gone on from: a caller sends all of it."""

import msgspec

from earthward.chat import Answer, ChatRequest, Failure
from earthward.dialects import openai_responses
from earthward.dialects.envelope import Envelope
from earthward.gateway.doors.door import Glance, Headers, Question, Writer
from earthward.providers.kind import Operation

_NOT_KEPT = {"store": msgspec.Raw(b"false")}


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
        return openai_responses.glance(envelope)

    def read(self, envelope: Envelope) -> ChatRequest | Failure:
        return openai_responses.read_request(envelope.encode())

    def answers_itself(self, question: Question) -> bytes | None:
        return None

    def writer(self, question: Question) -> Writer:
        echoed = openai_responses.echo(question.envelope) | _NOT_KEPT
        return openai_responses.StreamWriter(question.glance.model, _id(question), question.created, echoed)

    def write_answer(self, question: Question, answer: Answer) -> bytes | Failure:
        named = Answer(_id(question), question.glance.model, question.created, answer.choices, answer.usage)
        return openai_responses.write_answer(named, echoed=openai_responses.echo(question.envelope) | _NOT_KEPT)

    def write_failure(self, failure: Failure, id: str | None) -> tuple[int, Headers, bytes]:
        return openai_responses.write_failure(failure)

    def error_event(self, failure: Failure, id: str | None) -> bytes:
        return openai_responses.error_event(failure)


def _id(question: Question) -> str:
    return f"resp_{question.id}"


DOORS = (_Door(),)
