"""Whether one kind of task is safe to move, by the scores of its pairs: a verdict that may be looked at any time.

The two tests are those of the gate `quality`, on the pairs of one task. The interval is a confidence sequence: all
means against which neither "it is higher" nor "it is lower" has won (Waudby-Smith and Ramdas, JRSS-B 2024).
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from earthward.rollout import bets, scores

Safety = Literal["safe to move", "not yet", "not enough evidence"]

GRID = 100
"""Means that are tried for the interval."""


class Standing(NamedTuple):
    """`low` and `high` are of the mean score, which is ½ where the arms are equal; `e_*` are fortunes."""

    verdict: Safety
    low: float
    high: float
    e_good: float
    e_worse: float


def standing(found: Sequence[float], margin: float, alpha: float) -> Standing:
    """Of scores in the order in which they came. `margin` is how far below ½ is still good enough."""
    mean = 0.5 - margin
    worse, good = bets.opened(scores.STEPS), bets.opened(scores.STEPS)
    for score in found:
        scores.settle_score(worse, score, mean, -1, 1.0 / alpha)
        scores.settle_score(good, score, mean, 1, 1.0 / alpha)
    verdict: Safety = "not enough evidence"
    if worse.is_won:
        verdict = "not yet"
    elif good.is_won:
        verdict = "safe to move"
    low, high = interval(found, alpha)
    return Standing(verdict, low, high, good.fortune, worse.fortune)


def interval(found: Iterable[float], alpha: float) -> tuple[float, float]:
    """Holds the mean with a chance of at least 1 - α, however often one looks."""
    steps, weights = scores.STEPS.ratios, scores.STEPS.weights
    enough = 2.0 / alpha
    # What has lost once stays out, so nothing more need be bet against it.
    left = [(place / GRID, list(weights), list(weights)) for place in range(GRID + 1)]
    for score in found:
        still = []
        for mean, higher, lower in left:
            gain = score - mean
            higher = [stake * (1.0 + step * gain) for stake, step in zip(higher, steps, strict=True)]
            lower = [stake * (1.0 - step * gain) for stake, step in zip(lower, steps, strict=True)]
            if sum(higher) < enough and sum(lower) < enough:
                still.append((mean, higher, lower))
        left = still
    return (left[0][0], left[-1][0]) if left else (0.0, 1.0)
