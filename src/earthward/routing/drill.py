"""A drill: a trickle of a route's requests goes through its emergency path, so that this is known to work.

Only where nobody else takes that path: on a route that serves from the house alone, or whose candidate has all the
traffic. Either a part of the units, drawn so that a conversation has one model, or so many requests an hour, whoever
asks then: a quiet route has its path tried too, and a busy one pays no more for it. Whom the drill fails is served as
ever.
"""

from collections.abc import Mapping
from hashlib import blake2b

from earthward.config.snapshot import Route, Target
from earthward.ledger.record import DRILL
from earthward.routing.split import BUCKETS


def is_drilled(route: Route, unit: str, salt: bytes) -> bool:
    """Whether this unit is one of the few. Another draw than that of the arms, new in each epoch."""
    if not route.drill or not unit or not is_path_unused(route):
        return False
    digest = blake2b(f"{DRILL}\0{route.name}\0{route.epoch}\0{unit}".encode(), key=salt[:64], digest_size=8)
    return int.from_bytes(digest.digest()) % BUCKETS < route.drill


def is_path_unused(route: Route) -> bool:
    """Whether nobody is served from the cloud, so that only a drill can tell how things stand there."""
    return route.candidate is None or route.share >= BUCKETS


def emergency_target(route: Route, targets: Mapping[str, Target]) -> str | None:
    """The first target in the cloud that steps in when the house fails."""
    first = route.use or route.candidate
    others = (name for name in (route.baseline, *route.fallback) if name and name != first)
    return next((name for name in others if targets[name].zone == "cloud"), None)


class Pace:
    """When a route's next drill is due, where it has so many an hour. Times are seconds of any clock that never runs
    back.

    Each of `workers` keeps its own and takes its turn, in the order of `place`: they have each drilled once in
    `workers` times the time from one drill to the next. What falls due while nobody asks is not made up for.
    """

    def __init__(self, workers: int, place: int, began: float) -> None:
        self._workers = workers
        self._place = place
        self._began = began
        self._last: dict[str, float] = {}

    def is_due(self, route: Route, now: float) -> bool:
        if not route.drill_every or not is_path_unused(route):
            return False
        last = self._last.get(route.name)
        turns, since = (self._place, self._began) if last is None else (self._workers, last)
        return now >= since + turns * route.drill_every

    def took(self, route: Route, now: float) -> None:
        """A request has gone through the path."""
        self._last[route.name] = now
