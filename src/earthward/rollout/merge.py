"""One log from several gateways': the lines of the one that decides, with the requests of the others at their time."""

import heapq
from collections.abc import Iterable, Iterator

from earthward.rollout.event import Event
from earthward.rollout.read_events import Line


def merged(lines: Iterable[Line], others: Iterable[Iterable[Line]]) -> Iterator[Line]:
    """The lines in their own order, which decides, and each request of the others once it is as late there as it was.

    Requests come as they end, so that they are only nearly in order of time; nobody's are held back for that. Orders
    and what else the others were told were theirs alone.
    """
    waiting = heapq.merge(*(_requests(log) for log in others), key=lambda event: event.t)
    following = next(waiting, None)
    for line in lines:
        while following is not None and following.t <= line.t:
            yield following
            following = next(waiting, None)
        yield line
    if following is not None:
        yield following
        yield from waiting


def _requests(log: Iterable[Line]) -> Iterator[Event]:
    return (line for line in log if isinstance(line, Event))
