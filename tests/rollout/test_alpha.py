import pytest

from earthward.rollout.alpha import shares
from earthward.rollout.plan import ALPHA, metric_of
from earthward.rollout.presets import PRESETS
from earthward.rollout.read_plan import plan


@pytest.mark.parametrize("name", PRESETS)
def test_the_parts_of_all_guardrails_over_all_their_stages_are_the_plans_alpha(name):
    read = plan(name)
    times = len(read.stages) + 1
    spent = sum(
        shares(read)[gate.metric] * (times if metric_of(gate).span == "stage" else 1)
        for gate in read.gates
        if gate.role == "guardrail"
    )
    assert spent == pytest.approx(read.alpha)


def test_signals_and_dry_runs_take_nothing_from_guardrails():
    alone = shares(plan({"stages": ["5%", "100%"], "gates": ["error_rate"]}))
    beside = shares(
        plan({"stages": ["5%", "100%"], "gates": ["error_rate", "feedback", {"refusal": {"role": "dry run"}}]})
    )
    assert alone["error_rate"] == beside["error_rate"] == ALPHA
    assert beside["refusal"] < ALPHA


def test_a_signal_is_held_to_the_part_that_it_would_have_as_one_more_guardrail():
    given = {"stages": ["100%"], "gates": ["error_rate", {"refusal": {"role": "signal"}}]}
    as_signal = shares(plan(given))["refusal"]
    as_guardrail = shares(plan({**given, "gates": ["error_rate", {"refusal": {"role": "guardrail"}}]}))["refusal"]
    assert as_signal == as_guardrail
