import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.rollout.presets import PRESETS
from earthward.rollout.read_plan import plan
from earthward.rollout.write_plan import as_written, changed

PLAN = {"stages": ["5%", "25%", "100%"], "gates": ["error_rate", {"ttft": {"at_most": "2s"}}], "hold": "1d"}


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_reads_back_as_it_was(name):
    assert plan(as_written(plan(name, name)), name) == plan(name, name)


@given(
    goal=st.sampled_from(["50%", "99.5%", "100%"]),
    hold=st.sampled_from([0, "500ms", "1h", "1.5d", "12w", "123456789w"]),
    stage=st.fixed_dictionaries(
        {"share": st.just("5%")},
        optional={
            "min_requests": st.integers(0, 10**9),
            "hold": st.sampled_from([0, "3s"]),
            "gates": st.sampled_from([[], ["error_rate"], ["ttft", "wobble"]]),
            "approval": st.booleans(),
            "timeout": st.sampled_from(["1ms", "9h"]),
            "on_timeout": st.sampled_from(["hold", "rollback"]),
        },
    ),
    shadows=st.sampled_from([[], [{"shadow": "20%"}]]),
    bake=st.sampled_from([0, "1h", {"for": "2d", "holdback": "0%"}, {"holdback": "50%"}]),
    gates=st.sampled_from([["error_rate", "ttft", "wobble"], [{"error_rate": {"below": 7}}, "ttft", "wobble"]]),
    chances=st.fixed_dictionaries({}, optional={"alpha": st.floats(1e-6, 0.5), "cooldown": st.just("0.25s")}),
)
def test_every_plan_reads_back_as_it_was(goal, hold, stage, shadows, bake, gates, chances):
    stages = [*shadows, stage, goal]
    it = plan({"stages": stages, "hold": hold, "bake": bake, "gates": gates, "events": ["wobble"], **chances})
    assert plan(msgspec.json.decode(msgspec.json.encode(as_written(it)))) == it


def test_the_same_plan_has_changed_nothing():
    assert changed(plan(PLAN), plan(PLAN)) == []


def test_what_changed_is_said_by_its_key_and_in_the_units_of_people():
    other = plan(
        {
            "stages": ["5%", {"share": "50%", "approval": True, "hold": "1h"}, "100%"],
            "gates": ["error_rate", "truncated"],
            "hold": "1d",
            "timeout": "7d",
        }
    )
    said = changed(plan(PLAN), other)
    assert "stages[1].share: 25% -> 50%" in said
    assert "stages[1].hold: 24 h -> 60 min" in said
    assert "stages[1].approval: no -> yes" in said
    assert "stages[0].timeout: - -> 7 d" in said
    assert [it for it in said if it.startswith("gates")] == [
        "gates.ttft.role: guardrail -> -",
        "gates.truncated.role: - -> guardrail",
    ]
    assert "gates.error_rate.below: 2 -> 3" in changed(
        plan(PLAN), plan({**PLAN, "gates": [{"error_rate": {"below": 3}}, "ttft"]})
    )


def test_a_stage_more_is_said():
    said = changed(plan(PLAN), plan({**PLAN, "stages": ["5%", "25%", "75%", "100%"]}))
    assert [it for it in said if it.startswith("stages[3]")] == ["stages[3].share: - -> 100%"]
