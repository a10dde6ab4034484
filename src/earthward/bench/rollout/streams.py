"""Streams of independent requests with known failure rates, fed to one test until it decides.

Good requests are the same two objects over and over: what a test does with them depends on their arm alone. A bad one
is made anew, since a unit counts once.
"""

import math
import random
from collections.abc import Callable
from statistics import NormalDist

from earthward.rollout.event import WHOLE, Event, EventArm
from earthward.rollout.evidence import Watch, begun
from earthward.rollout.metrics import METRICS
from earthward.rollout.plan import Gate

ALPHA = 0.05
SHARE = 500
SPREAD = 0.5
"""Of the logarithm of times to first content."""

Decides = Callable[[bool, bool, int], bool]
"""Takes whether a request is the candidate's, whether it is bad, and its number; whether the rule has now decided."""


def until(
    decides: Decides,
    chance: random.Random,
    rates: tuple[float, float],
    most: int,
    breaks_after: int = 0,
    share: int = SHARE,
) -> int | None:
    """The candidate's requests until a decision, of baseline and candidate failing at these rates.

    Before `breaks_after` requests the candidate fails like the baseline; those aren't counted, and a decision among
    them is one too early: -1. None where there is none after `most` requests.
    """
    baseline, broken = rates
    draw, part = chance.random, share / WHOLE
    candidate = baseline if breaks_after else broken
    seen = 0
    for number in range(most):
        if number == breaks_after:
            candidate, seen = broken, 0
        is_candidate = draw() < part
        seen += is_candidate
        if decides(is_candidate, draw() < (candidate if is_candidate else baseline), number):
            return seen if number >= breaks_after else -1
    return None


def evidence_of(
    metric: str, *, good: bool = False, alpha: float = ALPHA, share: int = SHARE, limit: float | None = None
) -> Decides:
    """The product's own test of one metric: whether the candidate is worse, or with `good`, good enough."""
    gate = Gate(metric, "guardrail", at_most=limit)
    watch = Watch(gate, METRICS[metric], alpha, alpha, begun(gate, METRICS[metric], 0.0))
    it, take = watch.evidence, watch.take
    fine = {arm: _request("fine", arm, share, False) for arm in (False, True)}

    def decides(is_candidate: bool, is_bad: bool, number: int) -> bool:
        is_new = is_bad or good
        took = take(_request(str(number), is_candidate, share, is_bad) if is_new else fine[is_candidate])
        return took and (it.is_good if good else it.worse.is_won)

    return decides


def _request(unit: str, is_candidate: bool, share: int, is_bad: bool) -> Event:
    arm: EventArm = "candidate" if is_candidate else "baseline"
    return Event(0.0, unit, arm, share, ok=not is_bad, ttft_s=None if is_bad else 0.0)


def late_part(slower: float) -> float:
    """How many requests miss a limit at the baseline's p95, if the candidate takes `slower` times as long."""
    normal = NormalDist()
    return 1.0 - normal.cdf(normal.inv_cdf(0.95) - math.log(slower) / SPREAD)


def pairs_until(chance: random.Random, chances: tuple[float, float], *, good: bool, most: int = 5000) -> int | None:
    """Pairs until the comparison decides, of a candidate that wins and ties with these chances."""
    wins, ties = chances
    gate = Gate("quality", "guardrail")
    watch = Watch(gate, METRICS["quality"], ALPHA, ALPHA, begun(gate, METRICS["quality"], 0.0))
    for number in range(most):
        drawn = chance.random()
        score = 1.0 if drawn < wins else 0.5 if drawn < wins + ties else 0.0
        took = watch.take(Event(0.0, str(number), "candidate", SHARE, score=score))
        if took and (watch.evidence.is_good if good else watch.evidence.worse.is_won):
            return number + 1
    return None
