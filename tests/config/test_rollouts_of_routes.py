"""Rollouts in a configuration: plans are read whole, and what can't be carried out yet is refused at its place."""

from pathlib import Path

import msgspec
import pytest

from earthward.config.compile import compile
from earthward.config.load import ConfigErrors, Configuration, read
from earthward.config.snapshot import OwnMetric, Sampling
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
        ("playbook", ["error_rate", "wait", "truncated", "feedback"], ["5%", "25%", "75%"]),
        ("fast", ["error_rate", "wait", "truncated"], ["5%", "25%", "75%"]),
        ("careful", ["error_rate", "wait", "truncated", "feedback"], ["shadow 20%", "1%", "5%", "25%", "50%", "75%"]),
    ],
)
def test_every_preset_works_without_further_gates_and_says_what_it_leaves_out(name, gates, stages):
    (route,) = compile(configuration(name)).routes
    plan = msgspec.msgpack.decode(route.plan, type=Plan)
    assert ([gate.metric for gate in plan.gates], [stage.name for stage in plan.stages]) == (gates, stages)
    assert set(plan.bake.gates) | {gate for stage in plan.stages for gate in stage.gates} <= set(gates)
    judged = "quality: nobody judges answers on this route; add `shadow: {rate: 5%}` and a `judge`"
    told = {"playbook": {judged}}
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
            ["9:53: gate `wobble` is measured by nothing: say what does under `metrics`"],
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


LOOKED_AT = "rollout: NAME, shadow: {rate: 5%, budget: 5 USD/day}, judge: sonnet"


def looked_at(of_route: str, name: str = "careful") -> Configuration:
    """With a route that says this of what is looked at, and a third target to judge."""
    text = BASE.replace("routes:", "  sonnet: {provider: cloud, model: claude-sonnet-4-5}\nroutes:")
    return read(text.replace("rollout: NAME", of_route.replace("NAME", name)).encode(), Path("/f.yaml"))


def refused(of_route: str) -> list[str]:
    with pytest.raises(ConfigErrors) as errors:
        looked_at(of_route)
    return [str(problem).removeprefix("/f.yaml:") for problem in errors.value.problems]


@pytest.mark.parametrize("preset", ["careful", "playbook"])
def test_presets_that_compare_answers_are_taken_with_a_shadow_and_a_judge(preset: str):
    (route,) = compile(looked_at(LOOKED_AT, preset)).routes
    assert route.sampling == Sampling(0, 500, (), 7 * 86_400.0, "sonnet", 5_000_000_000)


def test_what_is_kept_is_said_with_rate_retention_and_tasks():
    more = "sampling: {rate: 10%, retention: 30d, tasks: [summary, code]}"
    (route,) = compile(looked_at(f"share: 5%, {more}")).routes
    assert route.sampling == Sampling(1000, 0, ("summary", "code"), 30 * 86_400.0)


def test_a_route_that_nothing_is_asked_of_has_no_sampling_at_all():
    (route,) = compile(looked_at("rollout: fast")).routes
    assert route.sampling is None


@pytest.mark.parametrize(
    ("of_route", "told"),
    [
        ("share: 5%, shadow: {rate: 5%, budget: 5 EUR/day}", "takes dollars a day, such as 5 USD/day or 0.50"),
        ("share: 5%, shadow: {rate: 5%, budget: -1}", "takes dollars a day, such as 5 USD/day or 0.50"),
        ("share: 5%, shadow: {rate: 120%}", "is more than 100%"),
        (
            "share: 5%, sampling: {rate: 5%, retention: 0d}",
            "takes hours, days or weeks up to ten years",
        ),
        ("share: 5%, judge: sonnet", "`judge` compares the answers of shadows; add `shadow: {rate: 5%}`"),
        ("share: 5%, shadow: {rate: 5%, budget: 1}, judge: mini", "`judge` is one of the two that it compares"),
        ("share: 5%, shadow: {rate: 5%, budget: 1}, judge: sonet", "unknown target `sonet`, did you mean `sonnet`?"),
        ("share: 5%, shadow: {rate: 5%}", "its shadows ask `mini`, which sends a bill: add `shadow: {rate: 5%, budget"),
        ("share: 5%, shadow: {rate: 5%}, boundary: local", "`boundary: local` lets nothing leave"),
    ],
)
def test_what_is_wrong_with_looking_at_answers_is_told(of_route: str, told: str):
    assert any(told in problem for problem in refused(of_route)), refused(of_route)


def test_no_judge_in_the_cloud_where_nothing_may_leave():
    text = BASE.replace("baseline: mini", "baseline: small").replace(
        "targets:", "targets:\n  small: {provider: house, model: s}"
    )
    text = text.replace("rollout: NAME", "share: 5%, boundary: local, shadow: {rate: 5%, budget: 1}, judge: mini")
    with pytest.raises(ConfigErrors) as errors:
        read(text.encode(), Path("/f.yaml"))
    assert "`mini` is in the cloud; `boundary: local` lets nothing leave" in str(errors.value)


def test_a_metric_of_ones_own_may_be_a_gate(tmp_path):
    (tmp_path / "wobble.py").write_text("def is_bad(exchange): return False")
    own = "metrics: {wobble: wobble.py, far: {url: env:CHECKS, timeout: 1s}}\n"
    own += "rollouts: {mine: {stages: [5%], gates: [error_rate, wobble: {role: guardrail}, far]}}\n"
    found = compile(read((BASE.replace("NAME", "mine") + own).encode(), tmp_path / "f.yaml"))
    assert found.metrics == (
        OwnMetric("wobble", str(tmp_path / "wobble.py")),
        OwnMetric("far", url="env:CHECKS", timeout=1.0),
    )
    plan = msgspec.msgpack.decode(found.routes[0].plan, type=Plan)
    assert [(gate.metric, gate.role) for gate in plan.gates] == [
        ("error_rate", "guardrail"),
        ("wobble", "guardrail"),
        ("far", "dry run"),
    ]


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        ("{wobble: none.py}", "9:19: `file` names a file that is not there: /none.py"),
        ("{wobble: {}}", "9:19: `wobble` needs a `file` of Python, or a `url`, and not both"),
        ("{wobble: {url: 7}}", "9:25: `url` takes a URL, or env:NAME or file:PATH"),
        (
            "{wobble: {url: 'https://a.example', timeout: 1h}}",
            "9:19: `wobble` takes a `timeout` of at most 10s: rollouts wait for it",
        ),
        (
            "{ttft: {url: 'https://a.example'}}",
            "9:11: `ttft` is a metric that Earthward has itself; give yours another name",
        ),
    ],
)
def test_a_metric_that_can_not_be_asked_is_told_at_its_place(metrics, told):
    assert problems("fast", f"metrics: {metrics}") == [told]
