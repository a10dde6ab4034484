import itertools
import math

import pytest

from earthward.rollout.bets import opened
from earthward.rollout.scores import FIRST, STEPS, settle_score

SCORES = (0.0, 0.25, 0.5, 0.75, 1.0)


def expected(chances: tuple[float, ...], sign: int, mean: float = 0.45) -> float:
    total = 0.0
    for drawn in itertools.product(range(len(SCORES)), repeat=5):
        bets = opened(STEPS, FIRST)
        for at in drawn:
            settle_score(bets, SCORES[at], mean, sign, 1e9)
        total += math.prod(chances[at] for at in drawn) * bets.fortune
    return total


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("chances", [(0.55, 0, 0, 0, 0.45), (0.3, 0.1, 0.2, 0.3, 0.1), (0, 0.2, 0.8, 0, 0)])
def test_a_mean_that_is_as_claimed_makes_a_fair_game(sign, chances):
    mean = sum(chance * score for chance, score in zip(chances, SCORES, strict=True))
    assert expected(chances, sign, mean) == pytest.approx(1.0)


def test_better_answers_speak_for_promotion_and_worse_ones_for_rollback():
    better, worse = (0.1, 0.1, 0.2, 0.3, 0.3), (0.3, 0.3, 0.2, 0.1, 0.1)
    assert expected(better, 1) > 1 > expected(worse, 1)
    assert expected(worse, -1) > 1 > expected(better, -1)


@pytest.mark.parametrize("mean", [0.01, 0.45, 0.5])
def test_no_score_takes_a_fortune_below_nothing(mean):
    for score, sign in itertools.product(SCORES, (1, -1)):
        bets = opened(STEPS)
        settle_score(bets, score, mean, sign, 1e9)
        assert min(bets.stakes) >= 0


def test_a_test_that_is_over_stays_over():
    bets = opened(STEPS)
    assert [settle_score(bets, 1.0, 0.45, 1, 20.0) for _ in range(50)].count(True) == 1
    assert bets.is_won
