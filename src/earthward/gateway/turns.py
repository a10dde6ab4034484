"""The turns of one exchange at the retry budget: whether it may make one more attempt, and that a turn which turned
out to be none of an outage's load is given back.
"""

from collections.abc import Callable

from earthward.gateway.retrying import LONGEST, Retries
from earthward.routing.plan import MOST_ATTEMPTS


class Turns:
    """`_turn` is the second in which the last one was counted, `_after` how many attempts had been sent by then."""

    __slots__ = ("_after", "_retries", "_turn")

    def __init__(self, retries: Retries) -> None:
        self._retries = retries
        self._turn: int | None = None
        self._after = 0

    def take(self, sent: int) -> bool:
        """Whether one request that has `sent` so many attempts, and all requests together, may make one more."""
        if not sent or sent >= MOST_ATTEMPTS:
            return not sent
        if not self.is_held(sent):
            self._turn, self._after = self._retries.take(), sent
        return self._turn is not None

    async def wait(self, sent: int, has_hope: Callable[[], bool], patience: float | None) -> bool:
        """As above; a turn is waited for while there is hope, `patience` seconds at most."""
        if not sent or sent >= MOST_ATTEMPTS:
            return not sent
        if self.is_held(sent):
            return True
        self._after = sent
        self._turn = await self._retries.turn(has_hope, LONGEST if patience is None else patience)
        return self._turn is not None

    def is_held(self, sent: int) -> bool:
        """Whether one more attempt was counted that then was not sent, as where a target had to be left out."""
        return self._turn is not None and self._after == sent

    def give_back(self) -> None:
        """An attempt that served, or never went out, is no load that an outage made greater."""
        if self._turn is not None:
            self._retries.give_back(self._turn)
            self._turn = None
