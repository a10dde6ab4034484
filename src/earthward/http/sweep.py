"""One timer for all deadlines of a process's connections, in place of one for each."""

import asyncio
from collections.abc import Callable


class Sweep:
    """Calls `look` every `interval` seconds from `start` to `stop`. A deadline is late by at most one interval."""

    def __init__(self, look: Callable[[], None], interval: float) -> None:
        self._look = look
        self._interval = interval
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._turn)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn(self) -> None:
        self._timer = None
        self.start()
        self._look()
