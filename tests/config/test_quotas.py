import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.config.quotas import budget, spends
from earthward.config.snapshot import Spend


@pytest.mark.parametrize(
    ("given", "amount"),
    [
        ("100/month", (100 * 10**9, "month")),
        ("$2.50 / day", (2_500_000_000, "day")),
        ("20/week", (20 * 10**9, "week")),
        (5, (5 * 10**9, "month")),
        (0.5, (500_000_000, "month")),
        ("0.000000001", (1, "month")),
    ],
)
def test_a_budget_is_dollars_for_a_time(given, amount):
    assert budget(given) == amount


@pytest.mark.parametrize(
    "given", ["", "-5", "5/year", "1e3", "nan", True, None, [], 10**10, "5/day/day", "٣/day", "5 €"]
)
def test_what_is_no_budget_is_refused_with_how_it_is_written(given):
    with pytest.raises(ValueError, match="takes dollars for a day, a week or a month"):
        budget(given)


@given(st.text(max_size=20))
def test_no_text_does_anything_but_be_read_or_refused(text):
    try:
        nano, every = budget(text)
    except ValueError:
        return
    assert 0 <= nano <= 10**18
    assert every in ("day", "week", "month")


def test_hard_and_soft_budgets_of_a_period_belong_together():
    assert spends([(9, "month"), (5, "day")], [(4, "day"), (1, "week")]) == (
        Spend("day", 5, 4),
        Spend("week", None, 1),
        Spend("month", 9),
    )
