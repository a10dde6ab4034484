"""Which exchanges are looked at later, and what may be done with them. Pure: the draw is an argument."""

import msgspec

from earthward.config.snapshot import Route, Sampling

WHOLE = 10_000
ALL: int = 2**32
"""Marks are below this, of which they are the part that a draw is."""


class Taken(msgspec.Struct, frozen=True):
    """`other` is the target of the arm that did not serve, where the request is to be sent to it as well."""

    sampling: Sampling
    other: str | None


def taken(route: Route, arm: str, task: str, draw: float) -> Taken | None:
    """What is to become of an exchange, by a draw between 0 and 1; None for the many that nobody looks at.

    Whoever is shadowed is also kept, so one draw decides both.
    """
    sampling = route.sampling
    if sampling is None or (sampling.tasks and task not in sampling.tasks):
        return None
    place = draw * WHOLE
    other = other_arm(route, arm) if place < sampling.shadow else None
    if other is None and place >= sampling.share:
        return None
    return Taken(sampling, other)


def other_arm(route: Route, arm: str) -> str | None:
    """The target of the arm that a request was not assigned to; None where there was nothing to assign."""
    return {"baseline": route.candidate, "candidate": route.baseline}.get(arm)


def bound(share: int) -> int:
    """What the marks that `share` of 10,000 takes lie below, and no others."""
    return -(-share * ALL // WHOLE)
