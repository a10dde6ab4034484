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


def test_a_preset_that_takes_more_is_refused_where_it_is_named():
    (told,) = problems("playbook", "")
    assert told == (
        "8:61: the preset `playbook` takes gate `quality`, gate `feedback`, not yet supported in a gateway; write one "
        "under `rollouts` with `preset: playbook` and `stages` and `gates` of its own"
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
            "{mine: {stages: [{shadow: 20%}, 5%], gates: [error_rate, quality]}}",
            [
                "9:28: stage `shadow 20%`: not yet supported in a gateway",
                "9:68: gate `quality`: not yet supported in a gateway",
            ],
        ),
        (
            "{mine: {stages: [5%], gates: [error_rate, wobble], events: [wobble]}}",
            ["9:53: gate `wobble`: not yet supported in a gateway"],
        ),
        (
            "{mine: {preset: careful, stages: [5%]}}",
            [f"9:18: gate `{name}`: not yet supported in a gateway" for name in ("feedback", "quality", "refusal")],
        ),
        (
            "{mine: {stages: [5%]}, fast: {stages: [5%]}}",
            ["9:34: `fast` is the name of a preset; choose another, and begin with `preset: fast`"],
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
