"""Waiting for the other end of a pipe to say something."""

import select
from typing import IO


def has_spoken(pipe: int | IO[bytes], seconds: float) -> bool:
    """Whether there is something to read, or the pipe's end, within so many seconds.

    Other than `select.select`, it can hear of any descriptor, however many are open.
    """
    ears = select.poll()
    ears.register(pipe, select.POLLIN)
    return bool(ears.poll(max(seconds, 0.0) * 1000))
