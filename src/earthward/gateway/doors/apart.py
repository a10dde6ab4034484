"""What doors have in common whose answers are no chats: nothing streams, and no chat's answer is written."""

from earthward.chat import Answer, Failure, FailureKind
from earthward.gateway.doors.door import Question, Writer


class Apart:
    """`asked_for` is what comes back, in words."""

    asked_for: str
    stream_type = b"application/json"
    presented = b""

    def answers_itself(self, question: Question) -> bytes | None:
        return None

    def writer(self, question: Question) -> Writer:
        raise NotImplementedError(f"there is no stream of {self.asked_for}")

    def write_answer(self, question: Question, answer: Answer) -> bytes | Failure:
        return Failure(FailureKind.MALFORMED, f"an answer to a chat came back for {self.asked_for}")
