"""What translation costs is measured for every pair."""

import gc

from earthward.bench.translation import (
    ASKED,
    CHUNKS,
    IN_A_ROW,
    OFFERED,
    Case,
    Cost,
    dialects,
    disturbance,
    measure,
    question,
)
from earthward.gateway.doors import EXITS


def test_every_way_in_is_measured_to_every_way_out_but_its_own() -> None:
    costs, disturbed = measure(1)
    assert {(it.caller, it.target) for it in costs if not it.tools} == {
        (caller, target) for caller in (question(path).door.dialect for path in ASKED) for target in dialects()
    } - {(target, target) for target in dialects()}
    callers = {question(path).door.dialect for path in OFFERED} - {"ollama"}
    assert {(it.caller, it.target, it.tools) for it in costs if it.tools} == {
        (caller, "ollama", tools) for caller in callers for tools in ("native", "words")
    }
    assert set(dialects()) <= set(EXITS)
    assert all(it.request > 0 and it.request_passed > 0 for it in costs)
    assert disturbed >= 1
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_what_is_added_is_what_passing_through_would_not_have_cost() -> None:
    assert Cost("a", "b", 1.0, 1.0, 9.0, 4.0).added == 5.0


def case(request: list[int], stream: list[int], bare: list[int]) -> Case:
    made = Case(b"/v1/messages", "openai_chat")
    for taken, samples in zip(made.taken, (request, stream, bare), strict=True):
        taken.extend(samples)
    return made


def test_what_a_turn_took_at_least_counts_and_what_disturbed_it_does_not() -> None:
    made = case([9000, 5000], [CHUNKS * 7000, CHUNKS * 90_000], [CHUNKS * 3000, CHUNKS * 4000])
    assert made.request == 5
    assert made.chunk == 4


def test_how_far_the_middle_is_from_the_best_tells_of_a_busy_machine() -> None:
    assert disturbance([case([5, 5, 5], [5, 5, 5], [5, 5, 5])]) == 1
    assert disturbance([case([5, 10, 10], [5, 10, 90], [5, 10, 11])]) == 2


def test_a_turn_that_warms_up_is_not_kept() -> None:
    made = case([], [], [])
    made.go(keep=False)
    assert not any(made.taken)
    made.go(keep=True)
    assert [len(taken) for taken in made.taken] == [IN_A_ROW] * 3
