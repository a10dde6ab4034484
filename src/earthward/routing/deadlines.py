"""How long one attempt may take when the caller has said for how long it will wait."""

import msgspec

from earthward.config.snapshot import Deadlines

MARGIN = 0.25
"""Seconds in which an answer or an error still reaches the caller."""
SHARE_OF_THE_FIRST = 0.6
"""Of what is left, where another target could serve: it needs time as well."""
LEAST = 0.05


def callers_patience(value: bytes | None) -> float | None:
    """Seconds from `x-stainless-read-timeout`, which the vendors' SDKs send; None if it says nothing that is one."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if 0 < seconds < float("inf") else None


def left_for(patience: float, elapsed: float, others: int) -> float:
    """Seconds that this attempt may take, `others` being the targets that would come after it."""
    left = patience - elapsed - MARGIN
    return max(LEAST, left * SHARE_OF_THE_FIRST if others else left)


def bounded(deadlines: Deadlines, patience: float | None, elapsed: float, others: int, *, stream: bool) -> Deadlines:
    """The deadlines, none beyond what the caller waits for: the head of an answer and the next piece of a stream, or
    all of a whole answer."""
    if patience is None:
        return deadlines
    left = left_for(patience, elapsed, others)
    if stream:
        if left >= deadlines.first_byte and patience >= deadlines.idle:
            return deadlines
        first, idle = min(deadlines.first_byte, left), min(deadlines.idle, patience)
        return msgspec.structs.replace(deadlines, connect=min(deadlines.connect, left), first_byte=first, idle=idle)
    if left >= deadlines.first_byte and left >= deadlines.total:
        return deadlines
    return Deadlines(
        min(deadlines.connect, left), min(deadlines.first_byte, left), deadlines.idle, min(deadlines.total, left)
    )
