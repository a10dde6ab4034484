import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.config.snapshot import Route, Sampling
from earthward.quality.sampling import ALL, WHOLE, bound, taken

ARMS = {"baseline": "mini", "candidate": "llama"}


def route(**sampling: object) -> Route:
    return Route("chat", sampling=Sampling(**sampling), **ARMS)


def test_a_route_without_sampling_is_never_looked_at():
    assert taken(Route("chat", **ARMS), "baseline", "", 0.0) is None


@pytest.mark.parametrize(("arm", "other"), [("baseline", "llama"), ("candidate", "mini")])
def test_a_shadow_asks_the_arm_that_did_not_serve(arm, other):
    found = taken(route(shadow=2000), arm, "", 0.1999)
    assert found is not None
    assert found.other == other


def test_beyond_the_shadows_rate_an_exchange_is_only_kept_and_beyond_both_not_even_that():
    sampling = {"share": 5000, "shadow": 2000}
    assert taken(route(**sampling), "baseline", "", 0.2).other is None
    assert taken(route(**sampling), "baseline", "", 0.5) is None


def test_only_the_tasks_that_are_named_are_looked_at():
    of_task = route(share=10_000, shadow=10_000, tasks=("summary",))
    assert taken(of_task, "baseline", "summary", 0.9) is not None
    assert taken(of_task, "baseline", "code", 0.0) is None
    assert taken(of_task, "baseline", "", 0.0) is None


def test_where_no_arm_was_drawn_there_is_no_other_to_ask():
    assert taken(route(shadow=10_000), "only", "", 0.0) is None
    assert taken(route(share=10_000, shadow=10_000), "only", "", 0.0).other is None


@given(st.integers(0, WHOLE), st.integers(0, WHOLE), st.integers(0, ALL - 1))
def test_marks_below_a_bound_are_the_draws_that_are_taken(kept, shadowed, mark):
    found = taken(route(share=kept, shadow=shadowed), "baseline", "", mark / ALL)
    assert (found is not None) == (mark < max(bound(kept), bound(shadowed)))
    assert (found is not None and found.other is not None) == (mark < bound(shadowed))


@pytest.mark.parametrize("share", [0, 1, 2, 3333, 5000, 9999, WHOLE])
def test_a_bound_is_exact_at_its_edge(share):
    least = next(number for number in range(share * ALL // WHOLE, ALL + 1) if number / ALL * WHOLE >= share)
    assert [(number < bound(share)) for number in (least - 1, least) if 0 <= number < ALL] == [
        number / ALL * WHOLE < share for number in (least - 1, least) if 0 <= number < ALL
    ]
