import pytest

from earthward.config.snapshot import Route, Sampling
from earthward.quality.sampling import taken

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
