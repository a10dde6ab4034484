import random
from statistics import median

import msgspec
import pytest

from earthward.bench.canned import streamed, whole
from earthward.bench.reading import Incoming, numbered
from earthward.bench.shadow import BUSY, MOST_CHANGE, Result, Round, between

ROUND = Round("plain", 1000.0, 8.0, 16.0, 0, 200.0, 0.2, 0.97)
RESULT = Result([ROUND] * 12, 1.01, 1.01, 0.99, 1.01, (0.99, 1.04), 100, 50, 50)


def test_so_few_pairs_tell_nothing():
    assert between([]) is None
    assert between([1.0] * 5) is None
    assert between([1.0] * 6) == (1.0, 1.0)


def test_the_interval_is_the_sign_tests():
    assert between(range(6)) == (0, 5)
    assert between(range(12)) == (2, 9)
    assert between(range(20)) == (5, 14)


@pytest.mark.parametrize("count", [6, 12, 20])
def test_the_interval_holds_the_median_in_19_runs_of_20_whatever_the_spread(count):
    draw = random.Random(count)
    held = 0
    for _ in range(2000):
        low, high = between([draw.lognormvariate(0.0, 1.0) for _ in range(count)])
        held += low <= 1.0 <= high
    assert held >= 2000 * 0.94


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, "holds"),
        ({"between": (0.99, MOST_CHANGE)}, "not enough evidence"),
        ({"between": (MOST_CHANGE, 1.2)}, "broken"),
        ({"between": None}, "not enough evidence"),
        ({"rounds": [msgspec.structs.replace(ROUND, busy=BUSY - 0.01)] * 12}, "not enough evidence"),
        ({"rounds": [ROUND] * 11 + [msgspec.structs.replace(ROUND, failed=1)]}, "broken"),
    ],
)
def test_only_an_interval_below_the_bar_at_full_load_shows_that_it_holds(changed, verdict):
    assert msgspec.structs.replace(RESULT, **changed).verdict == verdict


def test_how_busy_it_was_is_that_of_the_middle_round():
    rounds = [msgspec.structs.replace(ROUND, busy=part) for part in (0.1, 0.95, 0.99)]
    assert msgspec.structs.replace(RESULT, rounds=rounds).busy == median((0.1, 0.95, 0.99))


@pytest.mark.parametrize("is_streamed", [False, True])
def test_the_canned_upstream_says_what_the_load_checks(is_streamed):
    incoming = Incoming()
    for piece in streamed(24) if is_streamed else [whole(24)]:
        incoming.feed(piece)
    assert incoming.whole
    assert not incoming.extra
    assert numbered(24)(incoming.body, is_streamed) is None
