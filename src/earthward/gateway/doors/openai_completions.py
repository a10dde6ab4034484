"""OpenAI's completions, the old way to ask. Its targets are asked as for a chat of one turn."""

from earthward.chat import Answer, ChatRequest, Failure
from earthward.dialects import openai_completions
from earthward.dialects.envelope import Envelope
from earthward.gateway.doors.door import Glance, Headers, Question, Writer
from earthward.providers.kind import Operation


class CompletionsDoor:
    path = b"/v1/completions"
    family = b"/v1/completions"
    dialect = "openai_completions"
    key_dialect = "openai_chat"
    operation: Operation = "chat"
    vendor: str | None = "openai"
    stream_type = b"text/event-stream; charset=utf-8"
    id_header: bytes | None = b"x-request-id"
    presented = b""

    def glance(self, envelope: Envelope) -> Glance | Failure:
        return openai_completions.glance(envelope)

    def read(self, envelope: Envelope) -> ChatRequest | Failure:
        return openai_completions.read_request(envelope.encode())

    def answers_itself(self, question: Question) -> bytes | None:
        return None

    def writer(self, question: Question) -> Writer:
        wants_usage = openai_completions.wants_usage(question.envelope)
        return openai_completions.StreamWriter(question.glance.model, wants_usage, _id(question), question.created)

    def write_answer(self, question: Question, answer: Answer) -> bytes | Failure:
        named = Answer(_id(question), question.glance.model, question.created, answer.choices, answer.usage)
        return openai_completions.write_answer(named)

    def write_failure(self, failure: Failure, id: str | None) -> tuple[int, Headers, bytes]:
        return openai_completions.write_failure(failure)

    def error_event(self, failure: Failure, id: str | None) -> bytes:
        return openai_completions.error_event(failure)


def _id(question: Question) -> str:
    return f"cmpl-{question.id}"


DOORS = (CompletionsDoor(),)
