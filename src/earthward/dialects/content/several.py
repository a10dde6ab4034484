"""Several answers from targets that give one: asked for one by one, and put together again."""

import msgspec

from earthward.chat import (
    Answer,
    ChatRequest,
    Cited,
    Count,
    Event,
    Failed,
    Failure,
    FailureKind,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Unread,
    Usage,
    UsageReported,
)
from earthward.chat.usage import UNKNOWN

MOST = 8
"""More would be one caller's way to take all slots of a host."""


def one_by_one(request: ChatRequest) -> list[ChatRequest] | Failure:
    """A request for each answer. Where a seed was given each has another, or all answers would be the same."""
    if request.answers > MOST:
        message = f"{request.answers} answers were asked for; at most {MOST} are given to one request"
        return Failure(FailureKind.BAD_REQUEST, message, param="n")
    return [_nth(request, place) for place in range(request.answers)]


def together(answers: list[Answer]) -> Answer:
    """All as the answers to one request. The prompt counts once, what was answered each time."""
    first = answers[0]
    choices = tuple(choice for answer in answers for choice in answer.choices)
    unread = tuple(dict.fromkeys(name for answer in answers for name in answer.unread))
    usage = summed([answer.usage for answer in answers])
    return msgspec.structs.replace(first, choices=choices, usage=usage, unread=unread)


def billed(usages: list[Usage]) -> Usage:
    """What one request has used in several rounds; the prompt is billed each time."""
    read, written, cached, cache_written, reasoning = (
        _sum(list(of_all)) for of_all in zip(*(usage.counts for usage in usages), strict=True)
    )
    for_an_hour = sum(usage.written_for_an_hour for usage in usages)
    return Usage(read, written, cached, cache_written, reasoning, for_an_hour)


def summed(usages: list[Usage]) -> Usage:
    """A count that one of them lacks is not known of the whole."""
    return Usage(
        input=max((usage.input for usage in usages), key=lambda count: count.tokens, default=UNKNOWN),
        output=_sum([usage.output for usage in usages]),
        cached=max((usage.cached for usage in usages), key=lambda count: count.tokens, default=UNKNOWN),
        cache_written=max((usage.cache_written for usage in usages), key=lambda count: count.tokens, default=UNKNOWN),
        reasoning=_sum([usage.reasoning for usage in usages]),
    )


class Together:
    """The same for streams that run side by side: each event as it comes, under the number of its answer.

    The first that fails fails all, and nothing more comes out.
    """

    def __init__(self, answers: int) -> None:
        self._answers = answers
        self._has_started = False
        self._has_failed = False
        self._usages: dict[int, Usage] = {}
        self._finished: set[int] = set()

    @property
    def is_over(self) -> bool:
        return self._has_failed or len(self._finished) == self._answers

    def feed(self, place: int, event: Event) -> list[Event]:
        """`place` is which of the requests it answers."""
        if self._has_failed:
            return []
        match event:
            case Started():
                is_first, self._has_started = not self._has_started, True
                return [event] if is_first else []
            case UsageReported(usage):
                self._usages[place] = usage
                return []
            case Unread():
                return [event]
            case Failed():
                self._has_failed = True
                return [event]
            case Finished():
                self._finished.add(place)
                return [msgspec.structs.replace(event, answer=place)]
            case TextDelta() | Cited() | ReasoningDelta() | RefusalDelta() | ToolCallStarted() | ToolCallDelta():
                return [msgspec.structs.replace(event, answer=place)]

    def end(self) -> list[Event]:
        """What they used together, once all streams are over."""
        if self._has_failed or not self._usages:
            return []
        return [UsageReported(summed([self._usages.get(place, Usage()) for place in range(self._answers)]))]


def _nth(request: ChatRequest, place: int) -> ChatRequest:
    sampling = request.sampling
    if sampling.seed is not None:
        sampling = msgspec.structs.replace(sampling, seed=sampling.seed + place)
    return msgspec.structs.replace(request, answers=1, sampling=sampling)


def _sum(counts: list[Count]) -> Count:
    if not counts or not all(count.is_known for count in counts):
        return UNKNOWN
    return Count.reported(sum(count.tokens for count in counts))
