"""How often one target is asked for one request: mostly once.

Once for each answer where a target gives one and several are wanted, and once more where the form of an answer was
wrong. One round after the other, so that nobody takes all slots of a host with one request.
"""

from earthward.chat import Answer, ChatRequest, Event, Failure, FailureKind, Usage, UsageReported
from earthward.dialects.content.fitting import Fitted, Restoring, once_more, restored, restoring
from earthward.dialects.content.several import Together, one_by_one, together
from earthward.gateway.doors.door import Writer
from earthward.gateway.doors.exit import Reader

NEXT_ANSWER = "the next of several answers"
SECOND_TRY = "the form of the answer was wrong"


class Rounds:
    """`fit` is the request as the target can take it; with `several` it is asked once for each answer."""

    __slots__ = ("_again", "_answers", "_fit", "_has_tried_again", "_last", "_place", "_requests", "together", "wrong")

    def __init__(self, fit: Fitted, requests: list[ChatRequest]) -> None:
        self._fit = fit
        self._requests = requests
        self._last = len(requests) - 1
        self._place = 0
        self._answers: list[Answer] = []
        self._again: ChatRequest | None = None
        self._has_tried_again = False
        self.wrong: Failure | None = None
        self.together = Together(len(requests)) if len(requests) > 1 else None

    @property
    def asked(self) -> ChatRequest:
        """What the target is asked in this round."""
        return self._again or self._requests[self._place]

    @property
    def is_only(self) -> bool:
        return len(self._requests) == 1

    @property
    def is_first(self) -> bool:
        return self._place == 0

    @property
    def is_last(self) -> bool:
        return self._place == self._last

    @property
    def is_over(self) -> bool:
        return self.wrong is None and self._place == self._last

    def heard(self, answer: Answer) -> Answer | Failure | None:
        """All answers together, once they are there; None if there is another round to come."""
        found, wrong = restored(self._fit, answer)
        if wrong is not None:
            failure = Failure(FailureKind.WRONG_FORM, f"the answer has not the form that was asked for: {wrong}")
            if self._has_tried_again:
                return failure
            self._has_tried_again = True
            self._again = once_more(self._fit, answer, wrong)
            self.wrong = failure
            return None
        assert isinstance(found, Answer), "whatever can't be restored has a wrong form"
        self._answers.append(found)
        if not self.is_last:
            return None
        return together(self._answers) if len(self._answers) > 1 else found

    def next(self) -> str | None:
        """Goes on to the next round and says why there is one; None if all is said."""
        if self.wrong is not None:
            self.wrong = None
            return SECOND_TRY
        if self.is_last:
            return None
        self._again = None
        self._has_tried_again = False
        self._place += 1
        return NEXT_ANSWER

    def reader(self, reader: Reader) -> Reader:
        """The events of this round as the caller is to have them."""
        restore = restoring(self._fit)
        if restore is not None:
            reader = _Restored(reader, restore)
        return reader if self.together is None else _OneOfSeveral(reader, self.together, self._place, self.is_last)


def rounds(fit: Fitted, *, gives_several: bool) -> Rounds | Failure:
    requests = [fit.sent] if gives_several or fit.sent.answers == 1 else one_by_one(fit.sent)
    return Rounds(fit, requests) if isinstance(requests, list) else requests


class GoingOn:
    """A writer whose stream is not over with this round."""

    def __init__(self, writer: Writer) -> None:
        self.write = writer.write

    def end(self) -> bytes:
        return b""


class _Restored:
    def __init__(self, reader: Reader, restore: Restoring) -> None:
        self._reader = reader
        self._restore = restore

    @property
    def is_over(self) -> bool:
        return self._reader.is_over

    @property
    def usage_so_far(self) -> Usage:
        return self._reader.usage_so_far

    def feed(self, data: bytes) -> list[Event]:
        return self._restored(self._reader.feed(data))

    def end(self) -> list[Event]:
        return self._restored(self._reader.end())

    def _restored(self, events: list[Event]) -> list[Event]:
        return [restored for event in events for restored in self._restore.feed(event)]


class _OneOfSeveral:
    """`usage_so_far` is this round's own, what the events tell in the end that of all."""

    def __init__(self, reader: Reader, all_of_them: Together, place: int, is_last: bool) -> None:
        self._reader = reader
        self._all = all_of_them
        self._place = place
        self._is_last = is_last
        self._usage: Usage | None = None

    @property
    def is_over(self) -> bool:
        return self._reader.is_over

    @property
    def usage_so_far(self) -> Usage:
        return self._usage or self._reader.usage_so_far

    def feed(self, data: bytes) -> list[Event]:
        return self._numbered(self._reader.feed(data))

    def end(self) -> list[Event]:
        return self._numbered(self._reader.end())

    def _numbered(self, events: list[Event]) -> list[Event]:
        numbered: list[Event] = []
        for event in events:
            if isinstance(event, UsageReported):
                self._usage = event.usage
            numbered += self._all.feed(self._place, event)
        if self._reader.is_over and self._is_last:
            numbered += self._all.end()
        return numbered
