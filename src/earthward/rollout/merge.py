"""One log from many: what several workers or replicas have on record, in the one order that decides.

A controller bets on events one by one, so it must be told them in the same order by whoever reads them. Requests are
ordered by time, then by unit and arm; the same request on two records is told once.
"""

import heapq
from collections.abc import Iterable, Iterator

from earthward.rollout.event import Event


def merged(logs: Iterable[Iterable[Event]]) -> Iterator[Event]:
    """All requests of logs that are each in order of time. It does not matter which log holds which."""
    last: tuple[float, str, str] | None = None
    told: set[Event] = set()
    for event in heapq.merge(*(sorted_by_time(log) for log in logs), key=_order):
        order = _order(event)
        if order != last:
            last, told = order, set()
        if event not in told:
            told.add(event)
            yield event


def sorted_by_time(log: Iterable[Event]) -> list[Event]:
    return sorted(log, key=_order)


def _order(event: Event) -> tuple[float, str, str]:
    return event.t, event.unit, event.arm
