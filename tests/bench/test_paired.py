import random
from itertools import product
from math import exp

import pytest

from earthward.bench.paired import at_one_speed, between, factor


def test_so_few_pairs_tell_nothing():
    assert between([]) is None
    assert between([1.0] * 5) is None
    assert between([1.0] * 6) == (1.0, 1.0)


def test_the_factor_is_the_middle_of_the_means_of_all_two():
    assert factor([2.0]) == pytest.approx(2.0)
    assert factor([exp(1), exp(2), exp(9)]) == pytest.approx(exp(3.5))


@pytest.mark.parametrize("count", [6, 8, 11])
def test_the_interval_leaves_out_as_many_means_as_ranks_with_signs_by_chance_may(count):
    """As tables of the signed-rank test have it, counted here over all signs that there are."""
    sums = sorted(sum(rank for rank, is_up in enumerate(signs, 1) if is_up) for signs in product([0, 1], repeat=count))
    left_out = max(least for least in range(count**2) if sum(it < least for it in sums) <= 0.025 * len(sums))
    logs = [draw / 7 for draw in random.Random(count).sample(range(-50, 50), count)]
    means = sorted((one + other) / 2 for place, one in enumerate(logs) for other in logs[place:])
    expected = exp(means[left_out - 1]), exp(means[-left_out])
    assert between([exp(it) for it in logs]) == pytest.approx(expected)


@pytest.mark.parametrize("count", [6, 12, 30])
def test_the_interval_holds_the_factor_in_19_runs_of_20_whatever_the_spread(count):
    draw = random.Random(count)

    def heavy() -> float:
        return draw.choice((-1, 1)) * min(99.0, draw.paretovariate(1.0))

    for spread in (lambda: draw.gauss(0.0, 1.0), heavy):
        held = 0
        for _ in range(1000):
            low, high = between([1.2 * exp(spread()) for _ in range(count)])
            held += low <= 1.2 <= high
        assert held >= 1000 * 0.94


def test_at_one_speed_only_what_does_not_come_with_the_speed_is_left():
    speeds = [0.5, 0.8, 1.0, 1.3, 2.0]
    assert at_one_speed([1.1 * speed**1.7 for speed in speeds], speeds) == pytest.approx([1.1] * 5)
    draw = random.Random(1)
    noisy = [exp(draw.gauss(0.0, 0.1)) for _ in range(400)]
    others = [exp(draw.gauss(0.0, 0.3)) for _ in range(400)]
    assert factor(at_one_speed(noisy, others)) == pytest.approx(factor(noisy), rel=0.01), (
        "what has no part changes nothing"
    )


@pytest.mark.parametrize("speeds", [[], [1.3], [1.0] * 7, [1.3] * 7])
def test_speeds_that_tell_nothing_change_nothing(speeds):
    ratios = [1.0 + number / 7 for number in range(len(speeds))]
    assert at_one_speed(ratios, speeds) == ratios
