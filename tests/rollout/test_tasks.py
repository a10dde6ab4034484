import random

from earthward.rollout.tasks import interval, standing


def scores(seed: int, count: int, win: float, lose: float) -> list[float]:
    draw = random.Random(seed)
    return [1.0 if (it := draw.random()) < win else 0.0 if it < win + lose else 0.5 for _ in range(count)]


def test_nothing_is_said_of_no_scores():
    assert standing([], 0.05, 0.05)[:3] == ("not enough evidence", 0.0, 1.0)


def test_ties_are_safe_to_move_and_losses_are_not_yet():
    assert standing([0.5] * 2000, 0.05, 0.05).verdict == "safe to move"
    assert standing([0.0] * 30, 0.05, 0.05).verdict == "not yet"
    assert standing([0.5] * 20, 0.05, 0.05).verdict == "not enough evidence"


def test_the_interval_holds_the_mean_at_every_look():
    """At the mean .45, every time one may look: at most one run of 20 may miss it."""
    missed = 0
    for seed in range(40):
        found = scores(seed, 600, 0.30, 0.40)
        looks = (interval(found[:end], 0.05) for end in (60, 200, 600))
        missed += any(not low <= 0.45 <= high for low, high in looks)
    assert missed <= 5


def test_the_interval_narrows():
    low, high = interval(scores(1, 1000, 0.35, 0.35), 0.05)
    assert 0.05 < high - low < 0.25
