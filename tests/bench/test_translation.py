"""What translation costs is measured for every pair."""

from earthward.bench.translation import ASKED, OFFERED, Cost, dialects, measure, question
from earthward.gateway.doors import EXITS


def test_every_way_in_is_measured_to_every_way_out_but_its_own() -> None:
    costs = measure(1)
    assert {(it.caller, it.target) for it in costs if not it.tools} == {
        (caller, target) for caller in (question(path).door.dialect for path in ASKED) for target in dialects()
    } - {(target, target) for target in dialects()}
    callers = {question(path).door.dialect for path in OFFERED} - {"ollama"}
    assert {(it.caller, it.target, it.tools) for it in costs if it.tools} == {
        (caller, "ollama", tools) for caller in callers for tools in ("native", "words")
    }
    assert set(dialects()) <= set(EXITS)
    assert all(it.request > 0 and it.request_passed > 0 for it in costs)


def test_what_is_added_is_what_passing_through_would_not_have_cost() -> None:
    assert Cost("a", "b", 1.0, 1.0, 9.0, 4.0).added == 5.0
