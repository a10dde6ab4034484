"""Exchanges that were stored just now, for whoever goes through all of them in their order.

They need not be read back from the store then, which costs as much as storing them. What there is no room for lies in
the store all the same.
"""

import threading
from collections import deque

import msgspec

from earthward.ledger.record import Record

MOST = 5_000
"""Records held; each takes about two kilobytes."""


class Stored(msgspec.Struct, frozen=True):
    """Records of one commit. `after`: their numbers follow on this one, in their order; None where others stored
    meanwhile, so that nobody knows."""

    records: list[Record]
    after: int | None = None


class Fresh:
    """One thread adds, another asks."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._held = 0
        self._batches: deque[tuple[int, list[Record]]] = deque()
        self._mutex = threading.Lock()

    def add(self, stored: Stored) -> None:
        if stored.after is None:
            return
        with self._mutex:
            self._batches.append((stored.after, stored.records))
            self._held += len(stored.records)
            while self._held > self._most:
                self._forget_oldest()

    def behind(self, number: int, limit: int) -> list[Record]:
        """The exchanges that follow on this number, `limit` at most; none where the next one isn't held."""
        found: list[Record] = []
        with self._mutex:
            while self._batches and _end(self._batches[0]) <= number:
                self._forget_oldest()
            for after, records in self._batches:
                reached = number + len(found)
                if after > reached or len(found) >= limit:
                    break
                found += records[reached - after :]
        return found[:limit]

    def _forget_oldest(self) -> None:
        _, records = self._batches.popleft()
        self._held -= len(records)


def _end(batch: tuple[int, list[Record]]) -> int:
    return batch[0] + len(batch[1])
