"""How much of what was asked was answered, against how much was to be: the error budget of routes and targets. Pure.

A request counts as failed where no answer came though the caller had asked for nothing impossible. What callers got
wrong, or gave up, says nothing of the service.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from earthward.chat.failures import ANOTHER_MAY_SERVE, FailureKind

OURS = (ANOTHER_MAY_SERVE - {FailureKind.CONTEXT_LENGTH}) | {
    FailureKind.NO_TARGET,
    FailureKind.DRAINING,
    FailureKind.LEDGER_DOWN,
    FailureKind.INTERNAL,
    FailureKind.PROCESS_DIED,
}
"""Failures that count: of the target, or of the gateway itself."""

USUAL = 0.995
"""The objective of those for which none is stated."""
Of = Literal["route", "target"]


class Outcomes(msgspec.Struct, frozen=True):
    """So many exchanges on this route, at this target, that ended alike."""

    route: str
    target: str
    status: str
    failure: str | None
    count: int


class Availability(msgspec.Struct, frozen=True):
    """`budget_left` is the share of the failures the objective allows that is still to be spent; below 0 it is
    overspent."""

    of: Of
    name: str
    requests: int
    failed: int
    availability: float
    objective: float
    budget_left: float

    @property
    def is_kept(self) -> bool:
        return self.budget_left >= 0


def availabilities(
    outcomes: Iterable[Outcomes], objective: float, stated: Mapping[tuple[Of, str], float] | None = None
) -> list[Availability]:
    """Of each route and each target that something was asked of, routes first. `objective` is below 1, and that of all
    for which none is `stated`."""
    own = stated or {}
    counts: dict[tuple[Of, str], list[int]] = defaultdict(lambda: [0, 0])
    for each in outcomes:
        is_failed = each.status == "failed" and each.failure in OURS
        if each.status != "ok" and not is_failed:
            continue
        places: tuple[tuple[Of, str], ...] = (("route", each.route), ("target", each.target))
        for place in places:
            if place[1]:
                counts[place][0] += each.count
                counts[place][1] += each.count * is_failed
    return [
        _of(of, name, requests, failed, own.get((of, name), objective))
        for (of, name), (requests, failed) in sorted(counts.items())
    ]


def _of(of: Of, name: str, requests: int, failed: int, objective: float) -> Availability:
    allowed = (1 - objective) * requests
    return Availability(of, name, requests, failed, 1 - failed / requests, objective, 1 - failed / allowed)
