"""How long the workers have waited for a core of late: whatever nobody waits for shall not be what they wait for."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

WINDOW = 0.2
"""Seconds that are looked at together at least: in less, one waking more or less decides."""
NANO = 1_000_000_000


class Crowding:
    """`workers` are their process ids, 0 where there is none; `processes` is where the system tells of them.

    Linux counts for each thread the nanoseconds in which it could have run and no core was free: the second figure of
    `schedstat` in proc(5). What other systems, and sandboxes, don't say counts as no wait.
    """

    def __init__(
        self,
        workers: Callable[[], Iterable[int]],
        processes: Path = Path("/proc"),
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._workers = workers
        self._processes = processes
        self._clock = clock
        self._waited: dict[int, int] = {}
        self._at = 0
        self._part = 0.0

    def part(self) -> float:
        """Of the time since it was last asked for, how much of it the worker that waited most has waited: 0 to 1."""
        now = self._clock()
        if now - self._at < WINDOW * NANO:
            return self._part
        waited = {pid: self._waited_by(pid) for pid in self._workers() if pid}
        most = max((wait - self._waited[pid] for pid, wait in waited.items() if pid in self._waited), default=0)
        self._part = min(1.0, max(0.0, most / (now - self._at)))
        self._waited, self._at = waited, now
        return self._part

    def _waited_by(self, pid: int) -> int:
        try:
            return int((self._processes / str(pid) / "schedstat").read_bytes().split()[1])
        except (OSError, ValueError, IndexError):
            return 0
