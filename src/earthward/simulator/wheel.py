"""A timer wheel: many waiting streams on one timer of the event loop.

The wheel knows neither a clock nor a loop; it says what is due at a given time. The ticker carries it out.
"""

import asyncio
import heapq
import math
import time
from collections import deque
from collections.abc import Callable, Iterator

SLOT = 0.002


class Turn:
    """Something to be called once its slot has come, unless it is cancelled before."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class Wheel:
    """Turns by slot. A turn is never due before its time, and at most one slot after it.

    Of two turns, the one added first and not for later is due first. Slots exist only while they hold something,
    so that a turn a minute away costs as much as one in the next slot.
    """

    def __init__(self, slot: float = SLOT) -> None:
        self.slot = slot
        self._per_second = 1 / slot
        self._slots: dict[int, deque[Turn]] = {}
        self._numbers: list[int] = []
        self._past = -1

    def add(self, at: float, call: Callable[[], None]) -> Turn:
        """What is added for a time already past comes in the next slot, so that no call can hold the loop."""
        number = int(at * self._per_second)
        if number * self.slot < at:
            number += 1
        if number <= self._past:
            number = self._past + 1
        turn = Turn(call)
        turns = self._slots.get(number)
        if turns is None:
            self._slots[number] = deque((turn,))
            heapq.heappush(self._numbers, number)
        else:
            turns.append(turn)
        return turn

    @property
    def next_at(self) -> float | None:
        """When the next slot comes; None while the wheel is empty."""
        return self._numbers[0] * self.slot if self._numbers else None

    def due(self, now: float) -> Iterator[Callable[[], None]]:
        """The calls whose slot has come, each taken off the wheel as it is handed out."""
        self._past = max(self._past, self._last_until(now))
        while self._numbers and self._numbers[0] * self.slot <= now:
            turns = self._slots[self._numbers[0]]
            while turns:
                call = turns.popleft().call
                if call is not None:
                    yield call
            del self._slots[heapq.heappop(self._numbers)]

    def _last_until(self, now: float) -> int:
        number = math.floor(now / self.slot)
        return number + 1 if (number + 1) * self.slot <= now else number


class Ticker:
    """Turns a wheel by one timer of the loop. Times are those of `time.monotonic()`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, slot: float = SLOT) -> None:
        self._loop = loop
        self._wheel = Wheel(slot)
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = math.inf

    def at(self, at: float, call: Callable[[], None]) -> Turn:
        turn = self._wheel.add(at, call)
        self._wind()
        return turn

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wheel = Wheel(self._wheel.slot)
        self._rings_at = math.inf

    def _wind(self) -> None:
        next_at = self._wheel.next_at
        if next_at is None or next_at >= self._rings_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = next_at
        # The loop's own clock may lag behind (uvloop reads it once per iteration), so only differences are given to it.
        self._timer = self._loop.call_later(max(0.0, next_at - time.monotonic()), self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._rings_at = math.inf
        now = time.monotonic()
        try:
            for call in self._wheel.due(now):
                call()
        finally:
            # Should a call raise, the loop reports it and the rest of the slot comes with the next ring.
            self._wind()
