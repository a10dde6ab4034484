"""What a migration came to, read off the ledger and the rollout's history. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

NANO = 1e9


class Row(NamedTuple):
    """One exchange of the ledger; times in seconds."""

    accepted: float
    settled: float
    unit: str
    arm: str
    status: str
    stage: int


class Came(msgspec.Struct, frozen=True):
    """`places` in order. `exposed` requests met the harm; `lag` is seconds from the answer that decided a rollback to
    the last request that was still given to the candidate; `flaps` counts units that went back without one. `by` is who
    made the last move, `noticed` what a hook was told, of `moves` that it is to hear of.
    """

    scenario: str
    end: str
    why: str
    places: tuple[str, ...]
    requests: int
    on_candidate: int
    seconds: float
    flaps: int
    unanswered: int
    kills: int = 0
    exposed: int | None = None
    lag: float | None = None
    noticed: int = 0
    moves: int = 0
    by: str = ""


def row(exchange: Mapping[str, Any]) -> Row:
    at = exchange["accepted_at"] / NANO
    settled = at + exchange["duration"] / NANO
    return Row(at, settled, exchange["unit"], exchange["arm"], exchange["status"], exchange["stage"])


def flaps(rows: Iterable[Row], until: float = float("inf")) -> int:
    """Units that were on the candidate and then on the baseline, of what was accepted before `until`."""
    arms: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for it in rows:
        if it.accepted < until:
            arms[it.unit].append((it.accepted, it.arm))
    return sum(_went_back([arm for _, arm in sorted(seen)]) for seen in arms.values())


def _went_back(arms: Sequence[str]) -> bool:
    return any(before == "candidate" and after == "baseline" for before, after in pairwise(arms))


def decided_at(rows: Iterable[Row], t: float) -> float:
    """When the answer was over by which a rollback of this time was decided: times of events are those of accepting."""
    return next((it.settled for it in rows if abs(it.accepted - t) < 1e-4), t)


def lag(rows: Sequence[Row], decided: float) -> float:
    """Seconds for which the candidate was still given requests."""
    last = max((it.accepted for it in rows if it.arm == "candidate"), default=decided)
    return max(0.0, last - decided)
