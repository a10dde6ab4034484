"""Faults only a stream can have: the status was 200, and then it goes wrong.

Those that end it early still end it in good order of HTTP: only the missing event gives them away.
"""

from collections.abc import Iterator

from earthward.simulator.faults.connections import first_part
from earthward.simulator.faults.table import fault
from earthward.simulator.steps import Answer, End, Head, Last, Piece, Problem, Step, Wait, Whole

_FAILED = Problem(500, "The server had an error while processing your request. Sorry about that!", "server_error")


@fault("error_event", "status 200, `after` pieces (3), then an error event; a whole answer is an error with status 200")
def error_event(answer: Answer) -> Iterator[Step]:
    if answer.stream:
        yield from first_part(answer)
        yield Last(answer.event(answer.error(answer.refusal("error_event") or _FAILED)))
    else:
        yield Whole(
            200,
            [(b"content-type", b"application/json"), *answer.headers],
            answer.error(answer.refusal("error_event") or _FAILED),
        )


@fault("error_first", "status 200, and the first event is an error", whole=False)
def error_first(answer: Answer) -> Iterator[Step]:
    for step in answer.steps():
        if not isinstance(step, Wait | Head):
            break
        yield step
    yield Last(answer.event(answer.error(answer.refusal("error_event") or _FAILED)))


@fault("no_done", "everything but the last event, which says that the stream is over", whole=False)
def no_done(answer: Answer) -> Iterator[Step]:
    for step in answer.steps():
        yield End() if isinstance(step, Last) else step


@fault("cut_short", "the stream ends in good order after `after` pieces (3)", whole=False)
def cut_short(answer: Answer) -> Iterator[Step]:
    yield from first_part(answer)
    yield End()


@fault("silent", "head and role, then the end: a stream without content", whole=False)
def silent(answer: Answer) -> Iterator[Step]:
    for step in answer.steps():
        if not (isinstance(step, Piece) and step.tokens):
            yield step


@fault("sliced", "every event in chunks of three bytes: nothing is wrong, it only is hard to read", whole=False)
def sliced(answer: Answer) -> Iterator[Step]:
    for step in answer.steps():
        if isinstance(step, Piece):
            for start in range(0, len(step.data), 3):
                left = len(step.data) - start
                yield Piece(step.data[start : start + 3], step.tokens if left <= 3 else 0)
        else:
            yield step
