"""Every metric finds a candidate that is worse by it, and accuses none that is equal."""

import random
from collections.abc import Callable

import pytest

from earthward.rollout.controller import Controller, begin
from earthward.rollout.event import Event
from earthward.rollout.metrics import METRICS
from earthward.rollout.read_plan import plan

SHARE = 2500
RUNS = 20
Fields = Callable[[random.Random, float], dict[str, object]]


def fails(chance: random.Random, harm: float) -> dict[str, object]:
    return {"ok": chance.random() >= 0.01 * harm}


def timed(field: str) -> Fields:
    def made(chance: random.Random, harm: float) -> dict[str, object]:
        return {"ok": True, field: chance.lognormvariate(0.0, 0.5) * (1.0 + harm) / 2}

    return made


def streamed_or_whole(chance: random.Random, harm: float) -> dict[str, object]:
    """A stream's first content comes sooner than a whole answer; that it is over has nothing to say."""
    if chance.random() < 0.5:
        return {**timed("ttft_s")(chance, harm), "total_s": chance.random() * 60}
    return {"ok": True, "total_s": 3 * chance.lognormvariate(0.0, 0.5) * (1.0 + harm) / 2}


def marked(name: str) -> Fields:
    def made(chance: random.Random, harm: float) -> dict[str, object]:
        return {"ok": True, "bad": (name,) if chance.random() < 0.01 * harm else ()}

    return made


def compared(chance: random.Random, harm: float) -> dict[str, object]:
    drawn, wins = chance.random(), 0.35 if harm == 1 else 0.15
    return {"ok": True, "score": 0.5 if drawn < 0.3 else float(drawn < 0.3 + wins)}


def priced(chance: random.Random, harm: float) -> dict[str, object]:
    return {"ok": True, "cost": chance.random() * harm}


TRAFFIC: dict[str, Fields] = {
    "error_rate": fails,
    "ttft": timed("ttft_s"),
    "wait": streamed_or_whole,
    "token_time": timed("token_s"),
    "latency": timed("total_s"),
    "quality": compared,
    "cost": priced,
    **{name: marked(name) for name, it in METRICS.items() if it.kind == "events" and name != "error_rate"},
}
SHOWN = [name for name, it in METRICS.items() if it.kind == "sums"]
TESTED = [name for name in METRICS if name not in SHOWN]


def run(metric: str, harm: float, seed: int, most: int) -> tuple[Controller, int]:
    """As a guardrail of its own, at a fixed share, until it is rolled back; how many requests that took."""
    role = {} if metric in SHOWN else {"role": "guardrail"}
    gates = ["error_rate", {metric: role}] if metric != "error_rate" else ["error_rate"]
    controller = Controller(begin(plan({"stages": ["25%", "100%"], "gates": gates, "hold": "300d"})))
    controller.act("start", 0.0, "ada", "go")
    chance = random.Random(f"{metric}/{seed}")
    for number in range(1, most + 1):
        arm = "candidate" if chance.random() * 10_000 < SHARE else "baseline"
        # A pair compares both arms, whoever was served.
        is_harmed = arm == "candidate" or metric == "quality"
        fields = {"ok": True, **TRAFFIC[metric](chance, harm if is_harmed else 1.0)}
        controller.feed(Event(float(number), f"u{number}", arm, SHARE, **fields))
        if controller.state.place.phase == "rolled back":
            return controller, number
    return controller, most


def test_there_is_traffic_for_every_metric_so_that_a_new_one_is_tried_too():
    assert set(TRAFFIC) == set(METRICS)


@pytest.mark.parametrize("metric", TESTED)
def test_a_candidate_that_is_worse_by_it_is_rolled_back_for_it(metric):
    found = [run(metric, 8.0, seed, 6000) for seed in range(5)]
    assert {it.state.place.phase for it, _ in found} == {"rolled back"}
    assert {it.state.why for it, _ in found} == {f"the candidate is worse: {metric}"}


@pytest.mark.parametrize("metric", TESTED)
def test_equal_arms_are_not_accused_by_it(metric):
    accused = sum(run(metric, 1.0, seed, 3000)[0].state.place.phase == "rolled back" for seed in range(RUNS))
    assert accused <= 3, f"{accused} of {RUNS}, at a chance of 5 % each"


@pytest.mark.parametrize("metric", SHOWN)
def test_what_is_only_shown_rolls_nothing_back_and_tells_both_means(metric):
    controller, _ = run(metric, 20.0, 1, 2000)
    (found,) = (it for it in controller.findings() if it.metric == metric)
    assert (controller.state.place.phase, found.verdict) == ("stage", "pass")
    assert found.mean > 15 * found.baseline_mean


def test_a_caller_waits_for_the_first_content_of_a_stream_and_for_all_of_a_whole_answer():
    stream, whole = (Event(1.0, "u", "candidate", SHARE, ttft_s=first, total_s=9.0) for first in (0.5, None))
    reads = METRICS["wait"].reads
    assert (reads(stream), reads(whole), reads(Event(1.0, "u", "candidate", SHARE))) == (0.5, 9.0, None)
