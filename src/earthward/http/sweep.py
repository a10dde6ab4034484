"""One timer for all deadlines of a process's connections, in place of one for each."""

import asyncio
import time
from collections.abc import Callable

Look = Callable[[float], None]
"""Carries out what has come due, given time.monotonic()."""


class Sweep:
    """Calls each look every `interval` seconds while there are any; a deadline is late by one interval at most."""

    def __init__(self, interval: float, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._interval = interval
        self._loop = loop
        self._looks: list[Look] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, look: Look) -> None:
        self._looks.append(look)
        if self._timer is None:
            self._wait()

    def remove(self, look: Look) -> None:
        if look in self._looks:
            self._looks.remove(look)
        if not self._looks and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        loop = self._loop or asyncio.get_running_loop()
        self._timer = loop.call_later(self._interval, self._turn)

    def _turn(self) -> None:
        self._wait()
        now = time.monotonic()
        for look in tuple(self._looks):
            look(now)
