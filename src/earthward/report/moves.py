"""What a report says of rollouts: how each moved in these days, and on what evidence. Pure."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from earthward.report.intervals import Interval, wilson

GONE_BACK = ("rolled back", "aborted")


class Seen(msgspec.Struct, frozen=True):
    """What one metric showed: shares of bad requests of either arm, or a mean score, where it has one."""

    metric: str
    verdict: str
    baseline: Interval | None
    candidate: Interval | None
    requests: int
    score: float | None


class Move(msgspec.Struct, frozen=True):
    """`share` is the candidate's from then on, in 1/10,000."""

    at: datetime
    route: str
    before: str
    after: str
    share: int
    by: str
    why: str
    evidence: tuple[Seen, ...] = ()

    @property
    def is_back(self) -> bool:
        return self.after.startswith(GONE_BACK)


class Standing(msgspec.Struct, frozen=True):
    """Where a route's rollout stands after its last move, with what was seen then."""

    route: str
    now: str
    share: int
    since: datetime
    why: str
    evidence: tuple[Seen, ...]


Row = tuple[str, float, str, str, int, str, str, Sequence[tuple[str, str, int, int, int, int, float | None]]]
"""Route, Unix seconds, before, after, share, by, why; of each finding its metric, verdict, how many requests of the
baseline and how many of them bad, the same of the candidate, and the mean score."""


def moves(rows: Iterable[Row], first: int, end: int) -> tuple[Move, ...]:
    """Those within these minutes since 1970, in order."""
    within = sorted((row for row in rows if first * 60 <= row[1] < end * 60), key=lambda row: row[1])
    return tuple(_move(row) for row in within)


def standings(found: Sequence[Move]) -> tuple[Standing, ...]:
    """Of each route. The evidence is the last there was, since moves by people or by time come without."""
    last = {it.route: it for it in found}
    evidence = {it.route: it.evidence for it in found if it.evidence}
    return tuple(
        Standing(it.route, it.after, it.share, it.at, it.why, evidence.get(it.route, ()))
        for _, it in sorted(last.items())
    )


def _move(row: Row) -> Move:
    route, at, before, after, share, by, why, findings = row
    seen = tuple(
        Seen(metric, verdict, None, None, candidate, score)
        if score is not None
        else Seen(metric, verdict, wilson(baseline_bad, baseline), wilson(candidate_bad, candidate), candidate, None)
        for metric, verdict, baseline, baseline_bad, candidate, candidate_bad, score in findings
    )
    return Move(datetime.fromtimestamp(at, UTC), route, before, after, share, by, why, seen)
