"""How many times as large one of two things is, by pairs measured one right after the other, and how sure that is.

By Wilcoxon's signed ranks, of the logarithms of the pairs' ratios: exact wherever the two can be exchanged but for a
factor, which taking turns at being first sees to. Where those are near to normal it needs two thirds of the pairs that
counting signs does. Source: Hodges and Lehmann, Estimates of location based on rank tests, 1963.
"""

from collections.abc import Sequence
from math import exp, log
from statistics import StatisticsError, linear_regression, median

SURE = 0.95


def factor(ratios: Sequence[float]) -> float:
    """How many times as large the one is: the middle of the means of all two pairs, of ratios above 0."""
    return exp(median(_means(ratios)))


def at_one_speed(ratios: Sequence[float], speeds: Sequence[float]) -> list[float]:
    """What the ratios would be, were each pair's ratio of `speeds` 1: by a straight line through their logarithms.

    For speeds that neither of the two has a part in, as of another program next to them. This takes out what the
    machine did to each pair, by however much what is measured hangs on that, and leaves what comes with the two.
    """
    logs = [log(it) for it in speeds]
    try:
        slope = linear_regression(logs, [log(it) for it in ratios]).slope
    except StatisticsError:
        # Too few, or all the same.
        return [*ratios]
    return [ratio / exp(slope * it) for ratio, it in zip(ratios, logs, strict=True)]


def between(ratios: Sequence[float]) -> tuple[float, float] | None:
    """Where the factor lies in at least 19 runs of 20, whatever the spread; None: too few pairs (under six) to say."""
    count = len(ratios)
    # How many ways of giving signs to the ranks 1 to `count` make the positive ones sum up to each number.
    ways = [1]
    for rank in range(1, count + 1):
        ways = [
            (ways[total] if total < len(ways) else 0) + (ways[total - rank] if total >= rank else 0)
            for total in range(len(ways) + rank)
        ]
    left_out, tail = 0, ways[0]
    while tail <= (1 - SURE) / 2 * 2**count and left_out < len(ways) // 2:
        left_out += 1
        tail += ways[left_out]
    means = _means(ratios)
    return (exp(means[left_out - 1]), exp(means[-left_out])) if left_out else None


def _means(ratios: Sequence[float]) -> list[float]:
    logs = [log(it) for it in ratios]
    return sorted((first + second) / 2 for place, first in enumerate(logs) for second in logs[place:])
