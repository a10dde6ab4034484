"""Samples that wait, and how many of each route are under way: those of one route hold up and push out no others.

An arm or a judge that hangs may hold what is asked of it for as long as it may hold a user, many minutes.
"""

import asyncio
from collections import Counter, deque

from earthward.gateway.samples import AT_ONCE, Sample

MOST_BYTES = 32 * 1024 * 1024
"""Of samples that wait."""
MOST_UNDER_WAY = 16
MOST_OF_A_ROUTE = 4


class SampleQueue:
    def __init__(self) -> None:
        self._waiting: deque[Sample] = deque()
        self._bytes = 0
        self._of_route: Counter[str] = Counter()
        self._woken = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def under_way(self) -> int:
        return self._of_route.total()

    def offer(self, sample: Sample) -> list[Sample]:
        """Takes it in. What is returned was pushed out for want of room: the newest of whose route most are waiting."""
        self._waiting.append(sample)
        self._bytes += size_of(sample)
        self._woken.set()
        out = []
        while len(self._waiting) > AT_ONCE or self._bytes > MOST_BYTES:
            crowd = Counter(it.route for it in self._waiting).most_common(1)[0][0]
            out.append(self._taken_out(max(at for at, it in enumerate(self._waiting) if it.route == crowd)))
        return out

    async def next(self) -> Sample:
        """The oldest of a route of which not too many are under way. `over` is to be called once it is over."""
        while True:
            if self.under_way < MOST_UNDER_WAY:
                for at, sample in enumerate(self._waiting):
                    if self._of_route[sample.route] < MOST_OF_A_ROUTE:
                        self._of_route[sample.route] += 1
                        return self._taken_out(at)
            self._woken.clear()
            await self._woken.wait()

    def over(self, sample: Sample) -> None:
        self._of_route[sample.route] -= 1
        self._of_route += Counter()
        self._woken.set()

    def _taken_out(self, at: int) -> Sample:
        sample = self._waiting[at]
        del self._waiting[at]
        self._bytes -= size_of(sample)
        return sample


def size_of(sample: Sample) -> int:
    """Bytes of its content."""
    return len(sample.request) + len(sample.answer)
