"""Those who wait in one worker for a place at a provider's endpoints, and how they come by one."""

import asyncio
import time
from typing import TYPE_CHECKING

from earthward.chat import Failure
from earthward.gateway.board import Board
from earthward.gateway.drive import Told
from earthward.routing.admission import Queue, Terms, Ticket, gave_up

if TYPE_CHECKING:
    from earthward.gateway.balancing import Balancing, Wanted

LOOK = 0.02
"""Seconds between two looks for slots that other workers freed, and for deadlines, while somebody waits."""
MOST_LOOKED_AT = 32
"""Of those who wait for a model, the first so many are looked at when a slot is free; the others would wait all the
same. Those who wait for another model may not have to."""


class Waiting:
    """Somebody who waits for a place. `told` is the place, why there is none, or None once they left."""

    __slots__ = ("_line", "_ticket", "told", "wanted")

    def __init__(self, line: "Line", ticket: Ticket, wanted: "Wanted") -> None:
        self.told: Told[int | Failure | None] = Told()
        self.wanted = wanted
        self._line = line
        self._ticket = ticket

    def leave(self) -> None:
        if not self.told.is_told:
            self._line.tell(self._ticket, None)


class Line:
    """At one provider; those in it are counted in the board's column `cell`.

    Places are `at` the provider's balancing, which it does not hold: neither outlives a snapshot for the other's sake.
    """

    def __init__(self, terms: Terms, board: Board, cell: int) -> None:
        self.queue = Queue(terms)
        self.waiting: dict[Ticket, Waiting] = {}
        self._board = board
        self._cell = cell
        self._look: asyncio.TimerHandle | None = None
        self._is_waking = False

    def join(self, at: "Balancing", wanted: "Wanted", patience: float) -> Failure | Waiting:
        """What to wait for, at most `patience` seconds, or why there is no use in it."""
        now, expected = time.monotonic(), at.expected_wait
        ticket, pushed_out = self.queue.join(
            wanted.key, wanted.model, wanted.priority, now, patience=patience, expected=expected
        )
        if isinstance(ticket, Failure):
            return ticket
        waiting = self.waiting[ticket] = Waiting(self, ticket, wanted)
        self._board.wait(self._cell)
        self._look_again(at)
        if pushed_out is not None:
            # Last: whoever hears it goes on at once, and may give a place back or ask for one.
            self.tell(pushed_out, gave_up(pushed_out, now, expected))
        return waiting

    def _look_again(self, at: "Balancing") -> None:
        if self._look is None:
            self._look = asyncio.get_running_loop().call_later(LOOK, self._looked, at)

    def _looked(self, at: "Balancing") -> None:
        self._look = None
        now = time.monotonic()
        expected = at.expected_wait
        for ticket in self.queue.expired(now):
            self.tell(ticket, gave_up(ticket, now, expected))
        self.wake(at)
        if self.waiting:
            self._look_again(at)

    def wake(self, at: "Balancing") -> None:
        """Gives free slots to those who wait, in the queue's order."""
        if self._is_waking:
            return
        self._is_waking = True
        behind: dict[str, int] = {}
        woken: list[tuple[Ticket, int]] = []
        try:
            for ticket in self.queue:
                before = behind.get(ticket.model, 0)
                if before >= MOST_LOOKED_AT:
                    continue
                place = at.free(self.waiting[ticket].wanted, before)
                if place is None:
                    behind[ticket.model] = before + 1
                    continue
                self.queue.serve(ticket)
                at.occupy(place)
                woken.append((ticket, place))
        finally:
            self._is_waking = False
        for ticket, place in woken:
            if ticket in self.waiting:
                self.tell(ticket, place)
            else:
                at.give_back(place, at.trial_at(place))

    def tell(self, ticket: Ticket, word: int | Failure | None) -> None:
        """The end of a wait: a place, a failure, or None for a caller who left."""
        self.queue.leave(ticket)
        self._board.wait(self._cell, -1)
        self.waiting.pop(ticket).told.tell(word)
