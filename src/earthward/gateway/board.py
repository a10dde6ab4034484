"""What workers must know of each other, in one shared mmap: one writer per cell, everybody reads.

A row belongs to one worker, a column to one thing counted. Reads take no lock, so a limit over all workers
over-admits by at most one request per other worker. Knows nothing of what the counts are used for.
"""

import mmap
import os
from collections.abc import Iterable
from itertools import product
from pathlib import Path

ROWS = 64
ENDPOINTS = TARGETS = 512
RING = 32
"""Seconds that requests and retries are remembered for; a power of two."""

# Columns. The first are single figures, then the ring of (second, requests, retries), then one per endpoint.
PID, HEARTBEAT, CONNECTIONS, IN_FLIGHT, REFUSED, SPOOL_STATE, UNRECORDED, SNAPSHOT, KEYS, SAID = range(10)
SAMPLED, SAMPLES_DROPPED = 14, 15
_RING_START = 16
_ENDPOINT_START = _RING_START + RING * 3
_LIMIT_START = _ENDPOINT_START + ENDPOINTS
LIMIT_COLUMNS = {
    (scope, what): _LIMIT_START + number
    for number, (scope, what) in enumerate(
        product(("key", "team", "app", "target"), ("rpm", "tpm", "parallel", "budget"))
    )
}
"""Requests refused by a limit, by whose it is and which."""
_WAITING_START = _LIMIT_START + len(LIMIT_COLUMNS)
_OUT_START = _WAITING_START + ENDPOINTS
_VERDICT_START = _OUT_START + ENDPOINTS + TARGETS
_VERDICT = 6
_LOAD_START = _VERDICT_START + (ENDPOINTS + TARGETS) * _VERDICT
COLUMNS = _LOAD_START + ENDPOINTS * 2
SIZE = ROWS * COLUMNS * 8


def create(path: Path) -> None:
    """A new board full of zeros. The old file stays alive for those who have it mapped."""
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o600), "wb") as file:
        # Not sparse: on a disk that fills up later, a first touch would end the process that makes it.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, SIZE)
        else:
            file.write(bytes(SIZE))
    fresh.replace(path)


class Board:
    """The board as one process sees it; `row` is the one it may write.

    A forked child takes over its parent's mapping with `as_row`: the file may be gone by then.
    """

    def __init__(self, path: Path, row: int | None = None, rows: int = ROWS) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), SIZE)
        self._cells = memoryview(self._map).cast("q")
        self._base = -1 if row is None else row * COLUMNS
        self._bases = range(0, rows * COLUMNS, COLUMNS)

    def as_row(self, row: int) -> "Board":
        self._base = row * COLUMNS
        return self

    def close(self) -> None:
        self._cells.release()
        self._map.close()

    def clear(self, row: int) -> None:
        """Forgets a dead worker's figures, so that its requests in flight count no more."""
        start = row * COLUMNS
        for cell in range(start, start + COLUMNS):
            self._cells[cell] = 0

    def set(self, column: int, value: int) -> None:
        self._cells[self._base + column] = value

    def add(self, column: int, by: int = 1) -> None:
        self._cells[self._base + column] += by

    def total(self, column: int) -> int:
        cells = self._cells
        return sum([cells[base + column] for base in self._bases])

    def column(self, column: int) -> list[int]:
        return [self._cells[base + column] for base in self._bases]

    def enter(self, endpoint: int, by: int = 1) -> None:
        """One request more (or, with -1, fewer) is in flight at this endpoint from this worker."""
        self._cells[self._base + _ENDPOINT_START + endpoint] += by

    def in_flight(self, endpoint: int) -> int:
        return self.total(_ENDPOINT_START + endpoint)

    def wait(self, endpoint: int, by: int = 1) -> None:
        """One more (or, with -1, fewer) waits in this worker for the provider whose first endpoint this is."""
        self._cells[self._base + _WAITING_START + endpoint] += by

    def waiting(self, endpoint: int) -> int:
        return self.total(_WAITING_START + endpoint)

    def say(self, place: int, verdict: tuple[int, ...], *, is_out: bool) -> None:
        """This worker's word on an endpoint or a target: when it was said (milliseconds, never 0), then what.

        The time is taken away first and put there last, so that nobody takes a half of one for a whole.
        """
        at = self._base + _VERDICT_START + place * _VERDICT
        self._cells[at] = 0
        for number, part in enumerate(verdict[1:], 1):
            self._cells[at + number] = part
        self._cells[at] = verdict[0]
        self._cells[self._base + _OUT_START + place] += is_out
        self._cells[self._base + SAID] += 1

    def heard(self, place: int) -> tuple[int, ...] | None:
        """The latest word of all workers, if anybody has said one."""
        cells = self._cells
        latest = max((base + _VERDICT_START + place * _VERDICT for base in self._bases), key=cells.__getitem__)
        said = tuple(cells[latest : latest + _VERDICT])
        return said if said[0] and said[0] == cells[latest] else None

    def say_load(self, endpoint: int, at: int, what: int) -> None:
        """The last load that this worker set going there: when (milliseconds, never 0), and of what. 0: there is none.

        The time is put there last, as with verdicts.
        """
        place = self._base + _LOAD_START + endpoint * 2
        self._cells[place] = 0
        self._cells[place + 1] = what
        self._cells[place] = at

    def loads(self, endpoint: int) -> list[tuple[int, int]]:
        """Those that all workers have set going there."""
        cells, column = self._cells, _LOAD_START + endpoint * 2
        found = [(cells[base + column], cells[base + column + 1], cells[base + column]) for base in self._bases]
        return [(at, what) for at, what, again in found if at and at == again]

    def count_request(self, second: int, *, retry: bool) -> None:
        """`second` is a clock's whole seconds, the same clock in all workers."""
        cells = self._cells
        place = self._base + _RING_START + (second % RING) * 3
        if cells[place] != second:
            cells[place] = second
            cells[place + 1] = 0
            cells[place + 2] = 0
        cells[place + (2 if retry else 1)] += 1

    def uncount_retry(self, second: int) -> None:
        """Takes back one that this worker counted then, as long as that second is remembered."""
        place = self._base + _RING_START + (second % RING) * 3
        if self._cells[place] == second:
            self._cells[place + 2] -= 1

    def by_second(self, now: int) -> list[tuple[int, int]]:
        """Requests and retries of all workers in this second and each one before it, this worker included."""
        cells = self._cells
        seconds = [(0, 0)] * RING
        for base in self._bases:
            for place in _ring_places(base):
                behind = now - cells[place]
                if 0 <= behind < RING:
                    requests, retries = seconds[behind]
                    seconds[behind] = (requests + cells[place + 1], retries + cells[place + 2])
        return seconds


def out_column(place: int) -> int:
    """How often this endpoint or target was put out."""
    return _OUT_START + place


def _ring_places(base: int) -> Iterable[int]:
    return range(base + _RING_START, base + _RING_START + RING * 3, 3)
