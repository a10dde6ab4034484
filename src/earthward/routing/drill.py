"""A drill: a trickle of a route's requests goes through its emergency path, so that this is known to work.

Only where nobody else takes that path: on a route that serves from the house alone, or whose candidate has all the
traffic. Drawn by unit, so that a conversation has one model; whom the drill fails is served as ever.
"""

from collections.abc import Mapping
from hashlib import blake2b

from earthward.config.snapshot import Route, Target
from earthward.ledger.record import DRILL
from earthward.routing.split import BUCKETS


def is_drilled(route: Route, unit: str, salt: bytes) -> bool:
    """Whether this unit is one of the few. Another draw than that of the arms, new in each epoch."""
    if not route.drill or not unit or (route.candidate is not None and route.share < BUCKETS):
        return False
    digest = blake2b(f"{DRILL}\0{route.name}\0{route.epoch}\0{unit}".encode(), key=salt[:64], digest_size=8)
    return int.from_bytes(digest.digest()) % BUCKETS < route.drill


def emergency_target(route: Route, targets: Mapping[str, Target]) -> str | None:
    """The first target in the cloud that steps in when the house fails."""
    first = route.use or route.candidate
    others = (name for name in (route.baseline, *route.fallback) if name and name != first)
    return next((name for name in others if targets[name].zone == "cloud"), None)
