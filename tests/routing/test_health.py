from hypothesis import given
from hypothesis import strategies as st

from earthward.routing import health
from earthward.routing.health import WELL, Health, Rules

RULES = Rules(failures=3, pause=1000, longest=8000, trial=5000, slow_start=10_000)


def failed(times: int, now: int, before: Health = WELL, **how) -> Health:
    for _ in range(times):
        before = health.after_failure(before, now, RULES, **how)
    return before


def test_out_after_failures_in_a_row_and_not_before() -> None:
    assert health.state(failed(2, 100), 100) == "well"
    assert health.state(failed(3, 100), 100) == "out"


def test_a_success_in_between_begins_the_count_anew() -> None:
    again = failed(2, 100, health.after_success(failed(2, 100), 100, RULES))
    assert health.state(again, 100) == "well"


def test_where_nobody_answers_one_failure_is_enough() -> None:
    assert health.state(failed(1, 100, at_once=True), 100) == "out"


def test_after_the_pause_one_is_let_in_on_trial_and_no_second() -> None:
    out = failed(3, 100)
    assert health.state(out, 1099) == "out"
    assert health.state(out, 1100) == "trial"
    tried = health.on_trial(out, 1100, RULES)
    assert health.state(tried, 1101) == "out"
    assert health.state(tried, 6100) == "trial", "a trial of which nothing is heard is not waited for any longer"


def test_a_trial_that_showed_nothing_counts_neither_way_and_another_may_begin_at_once() -> None:
    out = failed(4, 100, failed(3, 100))
    tried = health.on_trial(out, out.until, RULES)
    again = health.untried(tried, out.until + 10)
    assert health.state(again, out.until + 10) == "trial"
    assert again.times == out.times
    failed_then = health.after_failure(health.on_trial(again, out.until + 10, RULES), out.until + 20, RULES)
    assert failed_then.times == out.times + 1


def test_a_trial_that_fails_is_followed_by_twice_the_pause_up_to_the_longest() -> None:
    now, state, pauses = 100, failed(3, 100), []
    for _ in range(6):
        pauses.append(state.until - now)
        now = state.until
        state = health.after_failure(health.on_trial(state, now, RULES), now, RULES)
    assert pauses == [1000, 2000, 4000, 8000, 8000, 8000]


def test_one_that_comes_back_gets_more_and_more() -> None:
    back = health.after_success(health.on_trial(failed(3, 100), 1100, RULES), 2000, RULES)
    assert health.state(back, 2000) == "well"
    shares = [health.ramp(back, now, RULES) for now in (2000, 4000, 7000, 12_000)]
    assert shares == [0.1, 0.2, 0.5, 1.0]


def test_one_that_fails_again_soon_is_out_for_longer_and_one_that_stayed_well_begins_anew() -> None:
    back = health.after_success(health.on_trial(failed(3, 100), 1100, RULES), 2000, RULES)
    again = failed(3, 3000, back)
    assert again.until - 3000 == 2000
    settled = health.after_success(back, 2000 + 12_000, RULES)
    assert settled == WELL
    assert failed(3, 20_000, settled).until - 20_000 == 1000


def test_those_sent_before_it_was_out_do_not_make_its_pause_longer() -> None:
    out = failed(3, 100)
    assert failed(20, 150, out) == out


def test_it_stays_in_when_too_many_are_out_already_but_not_where_nobody_answers() -> None:
    assert health.state(failed(50, 100, may=False), 100) == "well"
    assert health.state(failed(1, 100, may=False, at_once=True), 100) == "out"


def test_half_of_all_may_be_out_and_of_one_that_one() -> None:
    assert [health.may_go_out(out, 6) for out in range(4)] == [True, True, True, False]
    assert [health.may_go_out(out, 3) for out in range(2)] == [True, False]
    assert health.may_go_out(0, 1)


steps = st.lists(
    st.tuples(st.sampled_from(["success", "failure", "nobody", "trial"]), st.integers(0, 20_000)), max_size=60
)


@given(steps)
def test_whatever_happens_nobody_is_out_for_longer_than_the_longest_pause(steps) -> None:
    state, now = WELL, 1
    for what, passes in steps:
        now += passes
        if what == "success":
            state = health.after_success(state, now, RULES)
            assert health.state(state, now) == "well"
        elif what == "trial":
            if health.state(state, now) == "trial":
                state = health.on_trial(state, now, RULES)
        else:
            state = health.after_failure(state, now, RULES, at_once=what == "nobody")
        assert state.until - now <= max(RULES.longest, RULES.trial)
        assert 0.1 <= health.ramp(state, now, RULES) <= 1
