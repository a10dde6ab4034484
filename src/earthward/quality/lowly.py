"""When something that nobody waits for may use a host, and when it must make room. Pure.

Users go first: a shadow begins only where a slot would be left for one more user, and is given up as soon as users
need all there are. On the gateway's own machine, too: the less there is to spare, the longer the next sample waits.
"""

from earthward.config.snapshot import Zone

MOST_IN_CLOUD = 4
"""At a time at one endpoint that states no number of slots: a vendor has room for many, but its quota is the users'."""

EVERY = 0.04
"""Seconds between two samples: 25 a second are far more than any verdict needs."""
SHARE = 0.1
"""Of one core, that reading samples and checking them may take at most."""
SOON = 0.001
"""Seconds: nobody is woken more exactly than that."""
YIELD = 100.0
"""Seconds to wait longer for each that it was woken late, since others had all cores."""
CROWDED = 20.0
"""Seconds to wait longer where workers, too, wait for a core all the time."""
LONGEST = 0.96
"""So long at most: one a second is still a verdict in minutes."""


def pause(late: float, used: float, crowd: float) -> float:
    """Seconds from one sample's turn to the next, where that one was woken so `late`, those since the turn before have
    `used` so much CPU, and workers wait for a core for the part `crowd` of their time."""
    return max(EVERY, used / SHARE) + min(LONGEST, YIELD * max(0.0, late - SOON) + CROWDED * crowd)


def may_begin(slots: int | None, users: int, ours: int, zone: Zone) -> bool:
    """Whether one more may begin at an endpoint where `users` and `ours` are in flight."""
    if slots is None:
        return ours < (MOST_IN_CLOUD if zone == "cloud" else 1)
    if slots == 1:
        return users == ours == 0
    return users + ours + 1 < slots


def must_yield(slots: int | None, users: int, ours: int) -> bool:
    """Whether one that is under way must be given up."""
    return slots is not None and users > 0 and users + ours > slots
