import random

import msgspec
import pytest

from earthward.cli.rollout_explain import ENDS, WHAT_NEXT, _last_move, explained, unmeasured
from earthward.rollout.controller import Controller, begin
from earthward.rollout.event import Event
from earthward.rollout.read_plan import plan
from earthward.rollout.sources import measurable
from earthward.rollout.state import PauseReason, Phase
from earthward.rollout.worlds import requests, world

PLAN = plan({"stages": ["25%", "100%"], "gates": ["error_rate", {"ttft": {"at_most": "2s"}}, "quality"], "hold": "1d"})


def told(count: int, scenario: str = "parity", *verbs: str) -> list[str]:
    """What is said of a rollout after so many requests, a second apart."""
    controller = Controller(begin(measurable(PLAN, {"error_rate", "ttft"})))
    state = controller.state
    history = []
    for verb in ("start", *verbs) if count else ():
        history += controller.act(verb, 0.0, "ada", "time to go")
    made = requests(world(scenario, per_day=86_400.0), random.Random(1), lambda: (state.share, 0))
    for _ in range(count):
        history += controller.feed(next(made))
    return list(
        explained(
            {
                "route": "chat",
                "plan": "gentle",
                "place": state.place.phase,
                "phase": state.place.phase,
                "epoch": state.epoch,
                "paused": state.paused,
                "why": controller.why,
                "problem": "",
                "plan_since": 0.0,
                "plan_changes": ["stages[0].hold: 24 h -> 60 min"],
                "unmeasured": {"error_rate": "ValueError: boom"},
                "unrecorded": "its record has reached 2 GB",
                "stages": msgspec.to_builtins(controller.plan),
                "evidence": msgspec.to_builtins(controller.findings()),
                "history": msgspec.to_builtins(history),
            }
        )
    )


def test_what_has_not_begun_says_how_it_begins():
    said = told(0)
    assert said[1] == "Why: not started."
    assert said[2] == "Next: `start` begins it; until then all is on the baseline."
    assert said[3] == (
        "Left out of its plan: quality: nobody judges answers on this route; add `shadow: {rate: 5%}` and a `judge`."
    )


def test_each_gate_tells_what_it_has_seen_and_when_it_may_decide():
    said = told(3000)
    text = "\n".join(said)
    assert "error_rate (guardrail): inconclusive" in said
    assert "bad is later than 2 s" in text
    assert "to be decided: in about" in text
    assert "  can't be measured: ValueError: boom" in said
    assert "Next: on, in about" in text
    assert "shown to be worse" in text


def test_a_plan_that_was_changed_meanwhile_says_what_of_it_and_from_when():
    said = told(10)
    before = said[said.index("  stages[0].hold: 24 h -> 60 min") - 1]
    assert before.startswith("Its plan was changed since it began at 1970-01-01 00:00:00 UTC.")


def test_a_record_that_has_ended_says_why_and_when_there_is_one_again():
    (said,) = (line for line in told(10) if line.startswith("Nothing more is put on record for `rollout events`:"))
    assert "its record has reached 2 GB" in said
    assert said.endswith("a record begins with the next `start` or `retry`.")


def test_a_rollback_says_what_was_seen_and_what_comes_next():
    said = told(3000, "worse")
    assert said[1] == "Why: the candidate is worse: error_rate."
    assert said[2].startswith("Next: all is on the baseline; `retry`")
    assert any(line.startswith("Last: stage 25% -> rolled back, by earthward") for line in said)
    assert any(line.startswith("  error_rate: fail, ") for line in said)
    assert "`earthward ledger tail --route chat --arm candidate --failed`" in said[-1]
    assert not any("ledger tail" in line for line in told(3000))


def test_a_pause_says_what_ends_it():
    assert "Next: `resume` goes on." in told(10, "parity", "pause")
    assert "Next: nothing moves, not even back, until `resume`." in told(10, "parity", "freeze")


@pytest.mark.parametrize("reason", PauseReason.__args__)
def test_every_pause_has_its_way_out(reason):
    assert reason in WHAT_NEXT


def test_every_phase_that_waits_for_people_has_its_way_out():
    assert set(ENDS) == set(Phase.__args__) - {"shadow", "stage", "promoted", "bake"}


def test_the_judge_is_blamed_only_where_it_gives_no_verdicts():
    broken, judged = {"metric": "mine", "verdict": "error"}, {"metric": "quality", "verdict": "inconclusive"}
    told = {"mine": "ValueError: boom"}
    assert unmeasured({"evidence": [broken, judged], "unmeasured": told}) == told
    failing = {**judged, "verdict": "error"}
    assert unmeasured({"evidence": [broken, failing], "unmeasured": told}).keys() == {"mine", "quality"}


def test_a_rollback_for_quality_tells_the_mean_of_the_scores():
    """A score is no count of bad answers: `0 of 16` would say that all were good."""
    plan_of_pairs = plan({"stages": [{"shadow": "20%"}, "100%"], "gates": ["error_rate", "quality"]})
    controller = Controller(begin(plan_of_pairs))
    history = list(controller.act("start", 0.0, "ada", "go"))
    for t in range(1, 100):
        history += controller.feed(Event(float(t), f"u{t}", "candidate", 0, score=0.1, is_later=True))
    last = [*_last_move(msgspec.to_builtins(history), "chat")]
    assert last[0].startswith("Last: shadow 20% -> rolled back")
    assert any(line.startswith("  quality: fail, mean 0.1 of ") for line in last)
