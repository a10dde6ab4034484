"""Which endpoints and targets are left alone, shared between workers: what one of them has found out holds for all.

Each writes its own last word on the board, with the time; the latest word counts. Nothing is read while a request
waits: a worker looks some times a second whether anybody has said anything new.
"""

import time
from typing import Protocol

from earthward.gateway.board import ENDPOINTS, SAID, TARGETS, Board
from earthward.routing.health import WELL, Health

LOOK = 0.05
"""Seconds between two looks at what other workers said."""
NOWHERE = -1


class Holder(Protocol):
    """Whoever goes by a verdict."""

    health: Health


def place_of_endpoint(cell: int) -> int:
    return cell


def place_of_target(cell: int) -> int:
    """Of one for which the board has no room: nowhere."""
    return ENDPOINTS + cell if 0 <= cell < TARGETS else NOWHERE


class Verdicts:
    """The verdicts of one worker, and those it has heard."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._holders: dict[int, Holder] = {}
        self._at: dict[int, int] = {}
        self._heard: list[int] = []

    def watch(self, place: int, holder: Holder) -> None:
        """From now on this one goes by what others say of this place, too."""
        if place == NOWHERE or self._holders.get(place) is holder:
            return
        self._holders[place] = holder
        self._at[place] = 0
        self._hear(place)

    def say(self, place: int, before: Health, now: Health) -> None:
        """Tells others, if it is news."""
        if place == NOWHERE or _verdict(before) == _verdict(now):
            return
        at = self._at[place] = max(_milliseconds(), self._at.get(place, 0) + 1)
        self._board.say(place, (at, *_verdict(now)), is_out=now.times > before.times)

    def hear(self) -> None:
        """Goes by what others said since the last time."""
        # Of each by itself: what one said anew must not make up for what went with one that died.
        said = self._board.column(SAID)
        if said != self._heard:
            self._heard = said
            for place in self._holders:
                self._hear(place)

    def _hear(self, place: int) -> None:
        found = self._board.heard(place)
        if found is not None and found[0] > self._at.get(place, 0):
            self._at[place] = found[0]
            self._holders[place].health = _read(found)


def said_of(board: Board, place: int) -> Health:
    """How it is by the latest word."""
    found = board.heard(place)
    return WELL if found is None else _read(found)


def _read(found: tuple[int, ...]) -> Health:
    _, failures, times, until, back, is_tried = found
    now = Health(failures, times, until, back, is_tried=bool(is_tried))
    return WELL if now == WELL else now


def _verdict(health: Health) -> tuple[int, int, int, int, int]:
    return health.failures, health.times, health.until, health.back, int(health.is_tried)


def _milliseconds() -> int:
    return int(time.monotonic() * 1000)
