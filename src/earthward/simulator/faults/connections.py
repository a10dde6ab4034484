"""Faults of the connection: it is refused, left hanging, or breaks."""

from collections.abc import Iterator

from earthward.simulator.faults.table import fault
from earthward.simulator.steps import (
    Answer,
    Close,
    End,
    Hang,
    Last,
    Piece,
    Raw,
    Refuse,
    Reset,
    Step,
    Wait,
    Whole,
    raw_head,
)

_FLUSH = Wait(0.01)
"""Time for what was written to leave before the connection is torn down."""


@fault("refused", "every connection is reset and none accepted for `wait` seconds (1)")
def refused(answer: Answer) -> Iterator[Step]:
    yield Refuse(1.0 if answer.behaviour.wait is None else answer.behaviour.wait)


@fault("blackhole", "the request is taken and never answered")
def blackhole(answer: Answer) -> Iterator[Step]:
    yield Hang()


@fault("reset_before_head", "the connection is reset before the first byte of the answer")
def reset_before_head(answer: Answer) -> Iterator[Step]:
    yield Reset()


@fault("closed_before_head", "the connection is closed in good order before the first byte of the answer")
def closed_before_head(answer: Answer) -> Iterator[Step]:
    yield Close()


@fault("reset_mid_body", "the connection is reset after `after` pieces (3), or half of a whole answer")
def reset_mid_body(answer: Answer) -> Iterator[Step]:
    yield from first_part(answer)
    yield _FLUSH
    yield Reset()


@fault("early_eof", "the connection is closed after `after` pieces (3), or half of a whole answer")
def early_eof(answer: Answer) -> Iterator[Step]:
    yield from first_part(answer)
    yield Close()


@fault("stall", "after `after` pieces (3), or half of a whole answer, nothing more comes")
def stall(answer: Answer) -> Iterator[Step]:
    yield from first_part(answer)
    yield Hang()


@fault("slow_drip", "the body comes byte by byte, one every `wait` seconds (0.02)")
def slow_drip(answer: Answer) -> Iterator[Step]:
    pause = Wait(0.02 if answer.behaviour.wait is None else answer.behaviour.wait)
    for step in answer.steps():
        match step:
            case Whole(status, headers, body, tokens):
                yield raw_head(status, headers, len(body))
                yield from _drip(body, tokens, pause, Raw)
                yield Close()
            case Piece(data, tokens):
                yield from _drip(data, tokens, pause, Piece)
            case Last(data):
                yield from _drip(data, 0, pause, Piece)
                yield End()
            case _:
                yield step


def _drip(data: bytes, tokens: int, pause: Wait, form: type[Raw] | type[Piece]) -> Iterator[Step]:
    for place in range(len(data)):
        yield pause
        yield form(data[place : place + 1], tokens if place == len(data) - 1 else 0)


def first_part(answer: Answer) -> Iterator[Step]:
    """An answer up to where it breaks: after so many pieces with content, or half of a body of announced length."""
    left = answer.behaviour.after
    for step in answer.steps():
        match step:
            case Whole(status, headers, body, tokens):
                yield raw_head(status, headers, len(body))
                yield Raw(body[: len(body) // 2], tokens)
                return
            case Piece(_, tokens) if tokens:
                if left <= 0:
                    return
                left -= 1
            case Last():
                return
        yield step
