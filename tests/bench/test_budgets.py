import pytest

from earthward.bench.budgets import BUDGETS, Budget, all_judged, judged, status

SLOW = Budget("delay", "delay", "at most", 5.0, "ms")
FAST = Budget("rate", "rate", "at least", 1.3)
AIM = Budget("rate", "rate", "at least", 2.0, is_aim=True)


@pytest.mark.parametrize(
    ("budget", "figure", "verdict"),
    [
        (SLOW, 5.0, "met"),
        (SLOW, 5.1, "missed"),
        (FAST, 1.3, "met"),
        (FAST, 1.2, "missed"),
        (FAST, 0.0, "missed"),
        (FAST, None, "not measured"),
    ],
)
def test_a_budget_is_kept_at_its_limit_and_not_beyond(budget: Budget, figure: float | None, verdict: str) -> None:
    assert judged(budget, {budget.figure: figure}).verdict == verdict


def test_what_nobody_measured_is_never_met() -> None:
    assert {each.verdict for each in all_judged({})} == {"not measured"}
    assert len(all_judged({})) == len(BUDGETS)


def test_a_missed_budget_is_worse_than_one_not_measured_and_a_missed_aim_is_neither() -> None:
    met, missed = judged(FAST, {"rate": 1.4}), judged(FAST, {"rate": 1.0})
    unknown, short_of_it = judged(FAST, {}), judged(AIM, {"rate": 1.4})
    assert status((met, short_of_it)) == 0
    assert status((met, unknown)) == 3
    assert status((unknown, missed)) == 1
