"""Rules that others use to roll back, as their documentation shows them, and an oracle that none can beat.

Each is a fresh callable that takes a request's arm, whether it is bad and its number, and says whether it rolls back.
"""

import math
from collections.abc import Callable
from functools import partial

from earthward.bench.rollout.streams import ALPHA, Decides

WINDOW = 1000
LOOK = 100
FEWEST = 100


class Windows:
    """Success of the candidate in windows of 1,000 requests: rolled back after so many windows below a level.

    Flagger's documentation has 99 % and a threshold of 5; Argo Rollouts' 95 % and a failureLimit of 3, by default 0,
    which is rolled back at the failure after.
    """

    def __init__(self, level: float, failures: int) -> None:
        self.level, self.left = level, failures
        self.seen = self.bad = 0

    def __call__(self, is_candidate: bool, is_bad: bool, number: int) -> bool:
        self.seen += is_candidate
        self.bad += is_candidate and is_bad
        if (number + 1) % WINDOW == 0:
            if self.seen and 1 - self.bad / self.seen < self.level:
                self.left -= 1
            self.seen = self.bad = 0
        return self.left <= 0


class Counts:
    """Counts of both arms, looked at every 100 requests."""

    def __init__(self, fails: Callable[[int, int, int, int], bool]) -> None:
        self.fails = fails
        self.seen, self.bad = [0, 0], [0, 0]

    def __call__(self, is_candidate: bool, is_bad: bool, number: int) -> bool:
        self.seen[is_candidate] += 1
        self.bad[is_candidate] += is_bad
        return (number + 1) % LOOK == 0 and self.fails(self.seen[1], self.bad[1], self.seen[0], self.bad[0])


def above_twice(seen: int, bad: int, seen_baseline: int, bad_baseline: int) -> bool:
    return seen >= FEWEST and bad / seen > 2 * bad_baseline / max(1, seen_baseline)


def is_significant(seen: int, bad: int, seen_baseline: int, bad_baseline: int, z: float = 1.645) -> bool:
    """A one-sided z-test, as if this were the only look."""
    if not seen or not seen_baseline:
        return False
    pooled = (bad + bad_baseline) / (seen + seen_baseline)
    error = math.sqrt(pooled * (1 - pooled) * (1 / seen + 1 / seen_baseline))
    return error > 0 and (bad / seen - bad_baseline / seen_baseline) / error > z


class Oracle:
    """Wald's sequential test by one that knows both rates beforehand: the limit for all others at this α."""

    def __init__(self, baseline: float, candidate: float) -> None:
        self.if_bad = math.log(candidate / baseline)
        self.if_fine = math.log((1 - candidate) / (1 - baseline))
        self.sum = 0.0

    def __call__(self, is_candidate: bool, is_bad: bool, number: int) -> bool:
        if is_candidate:
            self.sum += self.if_bad if is_bad else self.if_fine
        return self.sum >= -math.log(ALPHA)


RULES: dict[str, Callable[[], Decides]] = {
    "Flagger's example: windows, ≥ 99 %, threshold 5": lambda: Windows(0.99, 5),
    "Argo Rollouts' example: windows, ≥ 95 %, failureLimit 3": lambda: Windows(0.95, 4),
    "Argo Rollouts' default: failureLimit 0": lambda: Windows(0.95, 1),
    "twice the baseline's rate, counted from 100 on": lambda: Counts(above_twice),
    "z-test at every 100 requests, p < 0.05": lambda: Counts(is_significant),
    "z-test at every 100 requests, p < 0.01": lambda: Counts(partial(is_significant, z=2.326)),
}
