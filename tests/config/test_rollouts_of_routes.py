"""Rollouts in a configuration: plans are read whole, and what can't be carried out yet is refused at its place."""

from pathlib import Path

import msgspec
import pytest

from earthward.config.compile import compile
from earthward.config.load import ConfigErrors, Configuration, read
from earthward.rollout.plan import Plan

BASE = """\
providers:
  cloud: {kind: openai, api_key: env:OPENAI_API_KEY}
  house: {kind: ollama}
targets:
  mini: {provider: cloud, model: gpt-4o-mini}
  llama: {provider: house, model: "llama3.1:8b"}
routes:
  - {name: chat, baseline: mini, candidate: llama, rollout: NAME}
"""


def configuration(name: str, rollouts: str = "") -> Configuration:
    return read((BASE.replace("NAME", name) + rollouts).encode(), Path("/f.yaml"))


def problems(name: str, rollouts: str) -> list[str]:
    with pytest.raises(ConfigErrors) as refused:
        configuration(name, rollouts)
    return [str(problem).removeprefix("/f.yaml:") for problem in refused.value.problems]


def test_a_preset_is_known_without_being_written():
    (route,) = compile(configuration("fast")).routes
    plan = msgspec.msgpack.decode(route.plan, type=Plan)
    assert (plan.name, [stage.share for stage in plan.stages]) == ("fast", [500, 2500, 7500])
    assert (route.share, route.stage, route.epoch) == (0, 0, 0)


@pytest.mark.parametrize(
    ("name", "gates", "stages"),
    [
        ("playbook", ["error_rate", "ttft", "truncated"], ["5%", "25%", "75%"]),
        ("fast", ["error_rate", "ttft", "truncated"], ["5%", "25%", "75%"]),
        ("careful", ["error_rate", "ttft", "truncated"], ["1%", "5%", "25%", "50%", "75%"]),
    ],
)
def test_every_preset_works_without_further_gates_and_says_what_it_leaves_out(name, gates, stages):
    (route,) = compile(configuration(name)).routes
    plan = msgspec.msgpack.decode(route.plan, type=Plan)
    assert ([gate.metric for gate in plan.gates], [stage.name for stage in plan.stages]) == (gates, stages)
    assert set(plan.bake.gates) | {gate for stage in plan.stages for gate in stage.gates} <= set(gates)
    told = {
        "playbook": {"quality: nobody compares answers on this route", "feedback: no feedback reaches this gateway"}
    }
    assert set(plan.set_aside) >= told.get(name, set())


def test_the_plan_of_the_design_is_taken_under_the_name_it_has_there():
    written = "{stages: [{shadow: 20%}, 5%, 25%, 75%, 100%], hold: 7d, gates: [error_rate, ttft, quality, feedback]}"
    own = f"rollouts: {{careful: {written}}}"
    (route,) = compile(configuration("careful", own)).routes
    plan = msgspec.msgpack.decode(route.plan, type=Plan)
    assert [stage.name for stage in plan.stages if not stage.is_shadow] == ["5%", "25%", "75%"]
    assert [stage.hold for stage in plan.stages] == [7 * 86_400.0] * len(plan.stages)


def test_a_plan_whose_guardrails_nothing_measures_is_refused():
    (told,) = problems("mine", "rollouts: {mine: {stages: [5%], gates: [quality, refusal]}}")
    assert told == (
        "8:61: of the guardrails of `mine` nothing is measured here, so nothing could roll it back; add the gate "
        "`error_rate`"
    )


def test_a_preset_may_be_changed_under_a_name_of_its_own():
    own = "rollouts: {mine: {preset: playbook, gates: [error_rate, ttft]}}"
    (route,) = compile(configuration("mine", own)).routes
    plan = msgspec.msgpack.decode(route.plan, type=Plan)
    assert (plan.name, [gate.metric for gate in plan.gates]) == ("mine", ["error_rate", "ttft"])


@pytest.mark.parametrize(
    ("rollouts", "told"),
    [
        (
            "{mine: {stages: [5%], gates: [error_rate, wobble], events: [wobble]}}",
            ["9:53: gate `wobble`: not yet supported in a gateway"],
        ),
        ("{mine: }", ["9:12: rollouts.mine: is no rollout; write a mapping with `stages`, or the name of a preset"]),
        ("[mine]", [
            "8:61: unknown rollout `mine`. Known: careful, fast, playbook",
            "9:11: `rollouts` takes a mapping of names, as in `rollouts: {mine: {...}}`",
        ]),
    ],
)  # fmt: skip
def test_problems_are_told_at_their_place(rollouts: str, told: list[str]):
    assert problems("mine", f"rollouts: {rollouts}") == told


def test_a_route_stays_where_its_rollout_has_brought_it_when_the_file_changes():
    first = compile(configuration("fast"))
    moved = msgspec.structs.replace(first.routes[0], share=2500, stage=2, epoch=1)
    after = compile(configuration("fast", "access_log: true"), msgspec.structs.replace(first, routes=(moved,)))
    assert after.routes == (moved,)


def test_a_share_set_by_hand_is_not_taken_for_that_of_a_rollout():
    first = compile(configuration("fast"))
    by_hand = msgspec.structs.replace(first.routes[0], share=2500, plan=b"")
    after = compile(configuration("fast"), msgspec.structs.replace(first, routes=(by_hand,)))
    assert after.routes[0].share == 0
