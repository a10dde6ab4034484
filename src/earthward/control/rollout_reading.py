"""What a rollout has not been told yet: the exchanges stored since, and what was said of others later.

The store and the user's own metrics are asked for it, which takes time; it is told by whoever holds the rollouts.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

from sqlalchemy import Engine

from earthward.config.snapshot import OwnMetric
from earthward.control.own_metrics import OwnMetrics
from earthward.control.rollouts import LiveRollout
from earthward.ledger.record import Record
from earthward.rollout.metrics import METRICS
from earthward.rollout.own import Verdict
from earthward.rollout.state import Transition
from earthward.store import quality, queries
from earthward.store.fresh import Fresh, Stored

BATCH = 5_000
"""Numbers of exchanges that are read from the store at a time."""
NOT_YET = float("-inf")
"""Lets no time pass: there is more to be read from before now."""

Moved = tuple[Transition, ...]


class Work(Protocol):
    """What is to be told to a rollout, at that time of the clock."""

    def __call__(self, live: LiveRollout, /, *, clock: float) -> Moved: ...


class Reading:
    """For the rollouts of all routes, which read the same exchanges."""

    def __init__(self) -> None:
        self.own = OwnMetrics()
        self._fresh = Fresh()

    def hear(self, stored: Stored) -> None:
        """What was just stored need not be read back."""
        self._fresh.add(stored)

    def forget(self) -> None:
        """Nobody reads."""
        self._fresh = Fresh()

    def begin(self, metrics: Sequence[OwnMetric]) -> None:
        """A turn, with these metrics of the user's."""
        self.own.take_over(metrics)
        self.own.begin_turn()

    def exchanges(self, live: LiveRollout, engine: Engine, end: int, now: float) -> Work:
        """The next ones that it has not read, up to number `end` at most, which was the last one at `now`."""
        records, up_to = self._behind(engine, live.read_up_to, end)
        own = self._own_verdicts(live, records)
        return partial(_take, records=records, up_to=up_to, end=end, now=now, own=own)

    def _behind(self, engine: Engine, after: int, end: int) -> tuple[list[Record], int]:
        """The next records, and the number that they go up to."""
        records = self._fresh.behind(after, min(BATCH, end - after))
        if records:
            return records, after + len(records)
        up_to = min(end, after + BATCH)
        return queries.stored_after(engine, after, up_to), up_to

    def _own_verdicts(self, live: LiveRollout, records: Sequence[Record]) -> list[dict[str, Verdict]]:
        """What the user's own metrics say of each record; nothing where the plan has none."""
        names = [gate.metric for gate in live.controller.plan.gates if gate.metric not in METRICS]
        if not names:
            return []
        asked = [place for place, record in enumerate(records) if record.route == live.route]
        found: list[dict[str, Verdict]] = [{} for _ in records]
        for place, verdicts in zip(asked, self.own.verdicts(names, [records[it] for it in asked]), strict=True):
            found[place] = verdicts
        return found


def said_later(live: LiveRollout, engine: Engine, now: float) -> Work:
    """What was said of exchanges that it has read, and that it is `now`."""
    return partial(_let_pass, later=quality.told_after(engine, live.route, live.told_up_to), now=now)


def _take(
    live: LiveRollout,
    clock: float,
    *,
    records: Sequence[Record],
    up_to: int,
    end: int,
    now: float,
    own: Sequence[Mapping[str, Verdict]],
) -> Moved:
    """`now` is when somebody looked what there is: more may have come since, or the clock may have been set back."""
    now = min(now, clock)
    return live.take(records, up_to, now if up_to == end else NOT_YET, own=own, latest=now)


def _let_pass(live: LiveRollout, clock: float, *, later: Sequence[tuple[int, quality.Later]], now: float) -> Moved:
    now = min(now, clock)
    moved = live.hear(later, now)
    state = live.controller.state
    return moved + live.take((), live.read_up_to, now) if state.is_under_way and state.due <= now else moved
