"""The retry budget, as one worker keeps it: over all workers, so many attempts more than there are requests.

An attempt that served is given back: it was no load that an outage made greater. So the budget holds back those that
come to nothing, and whoever finds it spent waits for its turn, as long as somebody is there who is not known to fail.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from earthward.gateway.board import Board
from earthward.gateway.drive import Told
from earthward.routing import retries

LOOK = 0.02
"""Seconds between two looks whether there is room again."""
LONGEST = 10.0
"""Seconds that a turn is waited for."""
MOST_LOOKED_AT = 256
"""Of those who wait, the first so many are looked at each time: the others would wait all the same."""


class Turn:
    """Somebody who waits. `told` is the second in which their attempt was counted, None if there is none for them."""

    __slots__ = ("has_hope", "told", "until")

    def __init__(self, has_hope: Callable[[], bool], until: float) -> None:
        self.has_hope = has_hope
        self.until = until
        self.told: Told[int | None] = Told()


class Retries:
    def __init__(self, board: Board, loop: asyncio.AbstractEventLoop) -> None:
        self._board = board
        self._loop = loop
        self._waiting: deque[Turn] = deque()
        self._look: asyncio.TimerHandle | None = None

    def take(self) -> int | None:
        """Counts one more attempt, if there is room for it: the second in which it was; None if there is none."""
        now = int(time.monotonic())
        if not retries.may_retry(self._board.by_second(now)):
            return None
        self._board.count_request(now, retry=True)
        return now

    def give_back(self, second: int) -> None:
        """That attempt served."""
        self._board.uncount_retry(second)

    async def turn(self, has_hope: Callable[[], bool], patience: float) -> int | None:
        """As `take`, waited for while there is hope."""
        second = None if self._waiting else self.take()
        if second is not None or not has_hope():
            return second
        waiting = Turn(has_hope, time.monotonic() + min(patience, LONGEST))
        self._waiting.append(waiting)
        self._look_again()
        given: int | None = await waiting.told
        return given

    def _look_again(self) -> None:
        if self._look is None:
            self._look = self._loop.call_later(LOOK, self._looked)

    def _looked(self) -> None:
        self._look = None
        now = time.monotonic()
        told: list[tuple[Turn, int | None]] = []
        left: list[Turn] = []
        has_room = True
        for _ in range(min(MOST_LOOKED_AT, len(self._waiting))):
            waiting = self._waiting.popleft()
            if now >= waiting.until or not waiting.has_hope():
                told.append((waiting, None))
            elif has_room and (second := self.take()) is not None:
                told.append((waiting, second))
            else:
                has_room = False
                left.append(waiting)
        self._waiting.extendleft(reversed(left))
        # Last: whoever hears it goes on at once, and may ask for another.
        for waiting, word in told:
            waiting.told.tell(word)
        if self._waiting:
            self._look_again()
