import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthward.rollout.plan import DAY
from earthward.rollout.presets import PRESETS
from earthward.rollout.problems import PlanErrors
from earthward.rollout.read_plan import plan

SOUND = {"stages": ["5%", "100%"]}


def problems(given: object) -> list[str]:
    with pytest.raises(PlanErrors) as caught:
        plan(given)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_sound_plan(name):
    read = plan(name)
    assert read.stages
    assert read.goal == 10_000


def test_a_plan_as_the_documentation_writes_it():
    read = plan(
        {
            "stages": [{"shadow": "20%"}, "5%", "25%", "75%", "100%"],
            "hold": "7d",
            "gates": ["error_rate", "ttft", "quality", "feedback"],
        },
        "careful",
    )
    assert [stage.name for stage in read.stages] == ["shadow 20%", "5%", "25%", "75%"]
    assert {stage.hold for stage in read.stages} == {7 * DAY}
    assert read.stages[0].gates == ("error_rate", "quality")
    assert read.stages[1].gates == ("error_rate", "ttft", "quality")
    assert read.bake.share == 9800


def test_a_stage_may_say_all_of_it_itself():
    stage = {
        "share": "5%",
        "min_requests": 7,
        "hold": "1h",
        "gates": ["error_rate"],
        "approval": True,
        "timeout": "2d",
        "on_timeout": "rollback",
    }
    read = plan({"stages": [stage, "100%"], "min_requests": 99, "gates": ["error_rate", "ttft"]}).stages[0]
    assert (read.min_requests, read.hold, read.gates, read.approval) == (7, 3600.0, ("error_rate",), True)
    assert (read.timeout, read.on_timeout) == (2 * DAY, "rollback")


def test_gates_may_be_named_by_stages_alone():
    stages = [{"share": "5%", "gates": ["ttft"]}, {"share": "25%", "gates": ["error_rate", "ttft"]}, "100%"]
    read = plan({"stages": stages})
    assert [gate.metric for gate in read.gates] == ["ttft", "error_rate"]
    assert [stage.gates for stage in read.stages] == [("ttft",), ("error_rate", "ttft")]


def test_a_plan_may_take_a_preset_and_change_it():
    read = plan({"preset": "fast", "min_requests": 7})
    assert {stage.min_requests for stage in read.stages} == {7}
    assert [stage.share for stage in read.stages] == [500, 2500, 7500]


def test_what_is_said_of_all_binds_the_watch_at_the_end():
    read = plan({"stages": ["5%", {"share": "100%", "hold": "3d", "min_requests": 50}], "bake": {"holdback": "5%"}})
    assert (read.bake.share, read.bake.hold, read.bake.min_requests) == (9500, 3 * DAY, 50)


@pytest.mark.parametrize(
    ("given", "path", "says"),
    [
        ({**SOUND, "stagez": 1}, "stagez", "did you mean `stages`?"),
        ({"stages": ["5%", "100"]}, "stages[1].share", "takes a percentage"),
        ({"stages": ["5%", 25, "100%"]}, "stages[1].share", "takes a percentage"),
        ({"stages": ["5%", "0.001%"]}, "stages[1].share", "no finer"),
        ({"stages": ["25%", "5%"]}, "stages[1]", "shares must rise"),
        ({"stages": ["5%", {"shadow": "5%"}, "100%"]}, "stages[1]", "shadow stages come first"),
        ({"stages": [{"shadow": "5%"}]}, "stages", "only shadow stages"),
        ({"stages": [{"share": "5%", "shadow": "5%"}, "100%"]}, "stages[0]", "either `share` or `shadow`"),
        ({"stages": [{"hold": "5m"}, "100%"]}, "stages[0]", "either `share` or `shadow`"),
        ({"stages": []}, "stages", "1 to 100 stages"),
        ({"stages": "5%"}, "stages", "takes a list"),
        ({**SOUND, "hold": "soon"}, "hold", "takes a time"),
        ({**SOUND, "hold": -1}, "hold", "takes a time"),
        ({**SOUND, "min_requests": 1.5}, "min_requests", "whole number"),
        ({**SOUND, "min_requests": True}, "min_requests", "whole number"),
        ({**SOUND, "on_timeout": "explode"}, "on_timeout", "takes hold, rollback"),
        ({**SOUND, "gates": ["error_rat"]}, "gates[0]", "did you mean `error_rate`?"),
        ({**SOUND, "gates": ["error_rate", "error_rate"]}, "gates[1]", "a second time"),
        ({**SOUND, "gates": [{"ttft": {"at_mst": "1s"}}]}, "gates[0].ttft.at_mst", "did you mean `at_most`?"),
        ({**SOUND, "gates": [{"error_rate": {"role": "boss"}}]}, "gates[0].error_rate.role", "guardrail, signal"),
        ({**SOUND, "gates": ["feedback"]}, "gates", "no guardrail"),
        ({**SOUND, "gates": [{"cost": {"role": "guardrail"}}]}, "gates[0].cost", "never tested"),
        ({**SOUND, "gates": [{"quality": {"margin": "60%"}}]}, "gates[0].quality.margin", "below 50%"),
        ({**SOUND, "alpha": "0%"}, "alpha", "takes a chance"),
        ({**SOUND, "alpha": float("nan")}, "alpha", "takes a chance"),
        ({**SOUND, "bake": {"holdback": "80%"}}, "bake.holdback", "up to 50%"),
        (
            {"stages": [{"share": "5%", "gates": ["ttft"]}, "100%"], "gates": ["error_rate"]},
            "stages[0].gates",
            "unknown gate `ttft`",
        ),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_a_mistake_is_told_with_its_path_and_what_to_write(given, path, says):
    (problem,) = problems(given)
    assert problem.startswith(f"{path}: ")
    assert says in problem


def test_all_mistakes_are_told_at_once():
    assert len(problems({"stages": ["x", "y"], "hold": "soon", "alpha": 7})) == 4


@pytest.mark.parametrize("given", [None, 7, [], "fsat", {}, {"preset": "none"}, {"preset": 3}])
def test_what_is_no_plan_at_all_is_refused(given):
    assert problems(given)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
KEYS = ("stages", "gates", "hold", "bake", "alpha", "events", "preset", "min_requests")


@given(st.dictionaries(st.sampled_from(KEYS), json))
def test_whatever_is_written_is_read_or_refused_and_never_breaks_the_reader(given):
    with contextlib.suppress(PlanErrors):
        assert plan({"stages": ["5%", "100%"], **given}).bake.share > 0


def test_the_last_stage_is_the_watch_at_the_end_only_where_it_moves_all():
    assert [stage.name for stage in plan({"stages": ["5%", "50%"]}).stages] == ["5%", "50%"]
    assert [stage.name for stage in plan({"stages": ["5%", "100%"]}).stages] == ["5%"]


@pytest.mark.parametrize(
    "given", [{"timeout": "0s"}, {"timeout": 0}, {"gates": ["error_rate", {"ttft": {"at_most": "0ms"}}]}]
)
def test_what_would_be_over_at_once_is_refused(given):
    assert "takes a time above zero" in problems({**SOUND, **given})[0]
