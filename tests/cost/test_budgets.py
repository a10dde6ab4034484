from datetime import UTC, datetime

from msgspec import structs

from earthward.cost.budgets import Amount, Budget, alerts, crossed, period_of

NANO = 10**9
BUDGET = Budget("cloud", "spend", 100 * NANO, at=(5000, 8000, 10_000), webhook="https://chat.example/hook")


def at(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * NANO  # type: ignore[arg-type,misc]


def keys(dollars: int, told: frozenset[str] = frozenset(), budget: Budget = BUDGET) -> list[int]:
    return [it.threshold for it in alerts(budget, "2026-11", Amount(dollars * NANO), told)]


def test_nothing_is_told_below_the_first_threshold() -> None:
    assert keys(49) == []
    assert keys(50) == [5000]


def test_a_threshold_is_told_once() -> None:
    told = frozenset(crossed(BUDGET, "2026-11", Amount(60 * NANO)))
    assert keys(60, told) == []
    assert keys(80, told) == [8000]


def test_a_jump_over_several_thresholds_is_told_once_by_the_highest() -> None:
    assert keys(500) == [10_000]
    assert keys(500, frozenset(crossed(BUDGET, "2026-11", Amount(500 * NANO)))) == []


def test_what_shrinks_again_tells_nothing_anew() -> None:
    told = frozenset(it.key for it in alerts(BUDGET, "2026-11", Amount(500 * NANO), frozenset()))
    assert keys(60, told) == []


def test_a_new_period_begins_anew() -> None:
    told = frozenset(crossed(BUDGET, "2026-10", Amount(500 * NANO)))
    assert keys(50, told) == [5000]


def test_a_changed_limit_is_another_event() -> None:
    told = frozenset(crossed(BUDGET, "2026-11", Amount(500 * NANO)))
    higher = Budget("cloud", "spend", 200 * NANO, at=(5000,))
    assert keys(100, told, higher) == [5000]


def test_a_month_is_that_of_utc_with_as_many_hours_as_it_has() -> None:
    for when, name, days in ((at(2026, 2, 28, 23, 59), "2026-02", 28), (at(2024, 2, 29), "2024-02", 29)):
        period, hours = period_of(BUDGET, when)
        assert (period, len(hours)) == (name, days * 24)
        assert when // (3600 * NANO) in hours


def test_a_day_is_that_of_utc() -> None:
    period, hours = period_of(Budget("d", "spend", 1, every="day"), at(2026, 12, 31, 23, 30))
    assert (period, len(hours), hours.start % 24) == ("2026-12-31", 24, 0)


def test_the_body_has_dollars_as_text_and_says_what_is_not_known() -> None:
    (alert,) = alerts(BUDGET, "2026-11", Amount(1234_567_890_000, unknown=3), frozenset())
    body = alert.body()
    assert body["amount_usd"] == "1234.57"
    assert "3 exchanges have no known cost" in body["text"]


def test_budgets_of_one_name_for_two_applications_are_told_apart() -> None:
    first, second = (structs.replace(BUDGET, app=app) for app in ("shop", "search"))
    told = frozenset(crossed(first, "2026-11", Amount(500 * NANO)))
    assert keys(500, told, first) == []
    assert keys(500, told, second) == [10_000]
