import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.config.snapshot import Quota, Spend
from earthward.routing import limits
from earthward.routing.limits import LENGTH, WINDOW

ROWS = 4
PLACES = range(0, ROWS * LENGTH, LENGTH)
US = limits.owner("key", "us")
DAY = 20_000
"""2024-10-04, a Friday."""


def board() -> list[int]:
    cells = [0] * (ROWS * LENGTH)
    for at in PLACES:
        limits.own(cells, at, US)
    return cells


def use(cells, now):
    return limits.use(cells, PLACES, US, now)


steps = st.lists(
    st.tuples(st.integers(0, ROWS - 1), st.integers(0, 20_000), st.integers(1, 40)), min_size=1, max_size=120
)
"""(who asks, after how many milliseconds, for how many tokens)"""


@given(steps, st.integers(1, 30), st.integers(1, 400))
def test_whoever_asks_first_looks_no_minute_ever_holds_more_than_the_limit(asked, rpm, tpm):
    cells, now, quota = board(), 0, Quota(rpm=rpm, tpm=tpm)
    minutes: dict[int, list[int]] = {}
    for row, wait, tokens in asked:
        now += wait
        if limits.excess(quota, use(cells, now), tokens) is None:
            limits.enter(cells, PLACES[row], tokens, now)
            minutes.setdefault(now // WINDOW, []).append(tokens)
    assert all(len(each) <= rpm and sum(each) <= tpm for each in minutes.values())


@given(steps, st.integers(1, 30))
def test_never_do_60_seconds_hold_more_than_twice_the_limit_and_within_two_minutes_not_more_than_two(asked, rpm):
    cells, now, quota = board(), 0, Quota(rpm=rpm)
    admitted: list[int] = []
    for row, wait, _ in asked:
        now += wait
        if limits.excess(quota, use(cells, now), 1) is None:
            limits.enter(cells, PLACES[row], 1, now)
            admitted.append(now)
    assert all(sum(1 for at in admitted if end - WINDOW < at <= end) <= 2 * rpm for end in admitted)


@given(steps)
def test_what_many_count_is_what_one_would_count(asked):
    many, one, now = board(), board(), 0
    for row, wait, tokens in asked:
        now += wait
        limits.enter(many, PLACES[row], tokens, now)
        limits.enter(one, 0, tokens, now)
        assert use(many, now) == use(one, now)


@given(steps, st.data())
def test_when_all_is_over_what_is_counted_is_what_was_used(asked, data):
    """Within one minute, and nothing is held any more whenever they end."""
    cells, held = board(), []
    for row, _, tokens in asked:
        held.append((row, limits.enter(cells, PLACES[row], tokens, 1000), tokens))
    used = data.draw(st.lists(st.integers(0, 90), min_size=len(held), max_size=len(held)))
    late = data.draw(st.integers(1000, 5 * WINDOW))
    for (row, entered, reserved), taken in zip(held, used, strict=True):
        limits.leave(cells, PLACES[row], entered, reserved, taken, 2000)
    assert (use(cells, 2000).tokens, use(cells, 2000).in_flight) == (sum(used), 0)
    assert use(cells, late).requests + use(cells, late).requests_before in (0, len(held))


@given(steps, st.integers(1, 20), st.integers(1, 200), st.integers(1, 200))
def test_after_retry_after_there_is_room_and_a_second_before_there_was_none(asked, rpm, tpm, tokens):
    cells, now, quota = board(), 0, Quota(rpm=rpm, tpm=tpm)
    for row, wait, each in asked:
        now += wait
        limits.enter(cells, PLACES[row], each, now)
    found = limits.excess(quota, use(cells, now), tokens)
    if found is None:
        return
    assert 1 <= found.retry_after <= 120
    single = Quota(rpm=rpm) if found.what == "rpm" else Quota(tpm=tpm)
    later = now + int(found.retry_after * 1000)
    if tokens <= tpm:
        assert limits.excess(single, use(cells, later), tokens) is None
    if found.retry_after > 1:
        assert limits.excess(single, use(cells, later - 1000), tokens) is not None


@given(st.lists(st.tuples(st.integers(0, ROWS - 1), st.integers(0, 10**12), st.integers(0, 3)), max_size=60))
def test_money_is_the_sum_of_the_period_whoever_spent_it(spent):
    cells, day = board(), DAY
    totals = {every: [0] for every in limits.PERIODS}
    for row, nano, days in spent:
        for every in limits.PERIODS:
            if limits.began(every, day + days) != limits.began(every, day):
                totals[every] = [0]
            totals[every].append(nano)
        day += days
        limits.spend(cells, PLACES[row], nano, day)
    assert limits.spent(cells, PLACES, US, day) == [sum(totals[every]) for every in limits.PERIODS]


@given(st.integers(-2, 60_000))
def test_each_day_lies_within_its_periods_and_the_next_begins_where_one_ends(day):
    for number, every in enumerate(limits.PERIODS):
        first, end = limits.began(every, day), limits.renews(every, day) // limits.DAY
        assert first <= day < end
        assert {limits.periods(each)[number] for each in range(first, end)} == {limits.periods(day)[number]}
        assert limits.periods(end)[number] == limits.periods(day)[number] + 1


def test_weeks_begin_on_mondays():
    assert (limits.began("week", DAY), limits.renews("week", DAY) // limits.DAY) == (DAY - 4, DAY + 3)


def test_a_place_that_was_somebody_elses_begins_empty_and_shows_others_nothing():
    cells, them = board(), limits.owner("key", "them")
    limits.enter(cells, 0, 10, 0)
    limits.spend(cells, 0, 5, DAY)
    limits.own(cells, 0, US)
    assert use(cells, 0).requests == 1
    limits.own(cells, 0, them)
    assert not any(cells[1:LENGTH])
    limits.enter(cells, 0, 10, 0)
    limits.spend(cells, 0, 5, DAY)
    assert use(cells, 0).requests == 0
    assert limits.spent(cells, PLACES, US, DAY) == [0, 0, 0]


def test_what_a_long_answer_takes_beyond_its_estimate_counts_when_it_is_known():
    cells = board()
    entered = limits.enter(cells, 0, 10, 0)
    limits.leave(cells, 0, entered, 10, 500, 5 * WINDOW)
    assert use(cells, 5 * WINDOW).tokens == 490


def test_what_was_not_taken_is_free_again_in_the_minute_that_it_was_reserved_in():
    cells = board()
    entered = limits.enter(cells, 0, 100, 0)
    limits.leave(cells, 0, entered, 100, 40, WINDOW)
    assert (use(cells, WINDOW).tokens, use(cells, WINDOW).tokens_before) == (0, 40)
    entered = limits.enter(cells, 0, 100, WINDOW)
    limits.enter(cells, 0, 200, 8 * WINDOW)
    limits.leave(cells, 0, entered, 100, 40, 9 * WINDOW)
    assert (use(cells, 9 * WINDOW).tokens, use(cells, 9 * WINDOW).tokens_before) == (0, 200)


@pytest.mark.parametrize(
    ("quota", "tokens", "what"),
    [
        (Quota(), 10**9, None),
        (Quota(rpm=3), 0, None),
        (Quota(rpm=2), 0, "rpm"),
        (Quota(tpm=30), 10, None),
        (Quota(tpm=30), 11, "tpm"),
        (Quota(parallel=3), 0, None),
        (Quota(parallel=2), 0, "parallel"),
    ],
)
def test_a_limit_is_reached_when_one_more_would_be_beyond_it(quota, tokens, what):
    cells = board()
    limits.enter(cells, 0, 5, 0)
    limits.enter(cells, LENGTH, 15, 0)
    found = limits.excess(quota, use(cells, 0), tokens)
    assert (found and found.what) == what


def test_what_has_never_room_is_told_to_wait_a_minute():
    found = limits.excess(Quota(tpm=10), use(board(), 0), 11)
    assert (found.what, found.retry_after) == ("tpm", 60.0)


def test_a_budget_is_spent_when_its_amount_is_reached_and_of_two_the_longer_counts():
    quota = Quota(budgets=(Spend("day", 5, 2), Spend("month", 50)))
    assert limits.over(quota, [4, 4, 4], DAY) is None
    assert limits.over(quota, [2, 4, 4], DAY, soft=True).every == "day"
    assert limits.over(quota, [5, 5, 5], DAY).every == "day"
    found = limits.over(quota, [5, 5, 50], DAY)
    assert (found.every, found.nano, found.limit) == ("month", 50, 50)
    text = limits.told_spent("team", "web", found)
    assert text.endswith("for this month; it renews at 2024-11-01 00:00 UTC")


@pytest.mark.parametrize(
    ("nano", "text"), [(0, "$0.00"), (1_234_567_890_000, "$1,234.57"), (12_000, "$0.000012"), (10_000_000, "$0.01")]
)
def test_dollars_read_as_people_write_them(nano, text):
    assert limits.dollars(nano) == text
