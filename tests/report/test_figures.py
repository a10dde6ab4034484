import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.ledger.summary import bucket
from earthward.report.figures import ArmFigures, arms, days, incidents, next_step, projected, quantile
from earthward.report.intervals import Interval, wilson

DAY = 1440
NANO = 10**9


def row(day: int, zone: str, purpose: str = "serve", **sums: int) -> tuple[int | str, ...]:
    names = ("requests", "cost", "own_cost", "counterfactual", "saved", "errors")
    return (day * DAY, zone, purpose, *(sums.get(name, 0) for name in names))


def test_what_served_and_what_it_cost_is_told_by_day() -> None:
    (day,) = days(
        [
            row(5, "cloud", requests=10, cost=100, errors=1),
            row(5, "local", requests=30, own_cost=20, counterfactual=300, saved=280),
            row(5, "cloud", "retry", requests=1, cost=7),
            row(5, "local", "shadow", requests=4, own_cost=2),
        ]
    )
    assert (day.cloud, day.local, day.errors) == (10, 30, 1)
    assert day.would == 100 + 300
    assert day.paid == 100 + 20 + 7 + 2
    assert day.saved == 280


def test_days_without_anything_stand_empty_between_others() -> None:
    found = days([row(5, "cloud", requests=1), row(8, "cloud", requests=1)])
    assert [it.day for it in found] == [date(1970, 1, number) for number in (6, 7, 8, 9)]
    assert [it.cloud for it in found] == [1, 0, 0, 1]


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_a_share_lies_within_its_interval_and_between_none_and_all(hits: int, more: int) -> None:
    found = wilson(hits, hits + more)
    assert found is not None
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value <= found.high + 1e-12 <= 1 + 1e-9


def test_nothing_seen_is_no_share_of_zero() -> None:
    assert wilson(0, 0) is None
    assert wilson(0, 10) == Interval(0.0, 0.0, pytest.approx(0.2775, abs=1e-3))


def test_a_percentile_needs_some_times_and_has_an_interval() -> None:
    assert quantile({5: 3}, 0.5) is None
    found = quantile(dict.fromkeys(range(1, 101), 1), 0.5)
    assert found == Interval(50, 41, 60)


def test_a_year_is_projected_from_a_week_at_least() -> None:
    assert projected([1] * 6) is None
    assert projected([10] * 7) == Interval(3650, 3650, 3650)
    uneven = projected([0, 20] * 10)
    assert uneven is not None
    assert uneven.low < uneven.value == 3650 < uneven.high


def test_failures_that_another_target_rescued_count_against_the_arm() -> None:
    (found,) = arms([("candidate", "llama", 100, 2, 3)], [])
    assert found.errors is not None
    assert found.errors.value == 0.05
    assert found.ttft_p50 is None


def test_times_come_from_the_buckets_they_were_counted_in() -> None:
    (found,) = arms([("only", "mini", 50, 0, 0)], [("only", "mini", bucket(NANO), 50)])
    assert found.ttft_p50 is not None
    assert math.isclose(found.ttft_p50.value, NANO, rel_tol=0.025)


def test_a_day_on_which_many_failed_is_an_incident() -> None:
    found = days([row(1, "cloud", requests=100, errors=6), row(2, "cloud", requests=100, errors=5)])
    assert incidents(found) == ((date(1970, 1, 2), 6, 100),)
    assert incidents(days([row(1, "cloud", requests=10, errors=9)])) == ()


def arm(name: str, bad: int) -> ArmFigures:
    return ArmFigures(name, name, 1000, wilson(bad, 1000), 0, None, None)


@pytest.mark.parametrize(
    ("rows", "by_arm", "unknown", "saved", "words"),
    [
        ([], [], 0, 0, "nothing to report"),
        ([row(1, "cloud", requests=9)], [], 0, 0, "small share"),
        ([row(1, "local", requests=9)], [arm("candidate", 90), arm("baseline", 9)], 0, 1, "Stop and look"),
        ([row(1, "local", requests=9)], [arm("candidate", 12), arm("baseline", 9)], 5, 1, "own costs"),
        ([row(1, "local", requests=9)], [], 0, -1, "cost more than the cloud"),
        ([row(1, "local", requests=1), row(1, "cloud", requests=1)], [], 0, 1, "50 %"),
        ([row(1, "local", requests=9)], [], 0, 1, "holdback"),
    ],
)
def test_the_next_step_is_what_the_figures_call_for(rows, by_arm, unknown, saved, words) -> None:
    assert words in next_step(days(rows), by_arm, unknown, saved)
