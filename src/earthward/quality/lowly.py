"""When something that nobody waits for may use a host, and when it must make room. Pure.

Users go first: a shadow begins only where a slot would be left for one more user, and is given up as soon as users
need all there are.
"""

from earthward.config.snapshot import Zone

MOST_IN_CLOUD = 4
"""At a time at one endpoint that states no number of slots: a vendor has room for many, but its quota is the users'."""


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
