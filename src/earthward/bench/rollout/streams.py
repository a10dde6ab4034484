"""Streams of independent requests with known failure rates, fed to one test until it decides."""

import math
import random
from collections.abc import Callable
from statistics import NormalDist

from earthward.rollout.bets import WORSE, Bets, due_part
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


def worse_until(
    chance: random.Random,
    metric: str,
    rates: tuple[float, float],
    most: int,
    breaks_after: int = 0,
    share: int = SHARE,
    block: int = 0,
) -> int | None:
    """The same for the product's own test of one metric, stepping from one bad request to the next.

    With `block`, parts of the stake are put in at each so many requests, and not where a bet has lost.
    """
    watch = _watch(metric)
    parts = _ByRequests(watch.evidence.worse, block) if block else None
    part = share / WHOLE
    baseline, broken = rates
    candidate = baseline if breaks_after else broken
    is_broken = not breaks_after
    number = seen = 0
    while True:
        bad = part * candidate + (1 - part) * baseline
        gap = _geometric(chance, bad)
        if not is_broken and breaks_after <= number + gap:
            fine = _of_candidate(chance, breaks_after - number, part)
            watch.take_fine(breaks_after - number - fine, fine)
            number, seen, candidate, is_broken = breaks_after, 0, broken, True
            continue
        if parts:
            parts.put_in(number + gap)
        if number + gap >= most:
            return None
        fine = _of_candidate(chance, gap, part * (1 - candidate) / (1 - bad))
        watch.take_fine(gap - fine, fine)
        is_candidate = chance.random() * bad < part * candidate
        number += gap + 1
        seen += fine + is_candidate
        if watch.take(_request(str(number), is_candidate, True, share)) and watch.evidence.worse.is_won:
            return seen if is_broken else -1


class _ByRequests:
    """Puts in parts as time goes on, whatever the bets have come to."""

    def __init__(self, bets: Bets, block: int) -> None:
        self._bets = bets
        self._block = block
        self._parts = 1
        # Nothing is ever lost of that, so no part is due by itself.
        bets.left, bets.parts = [math.inf] * len(bets.stakes), [1] * len(bets.stakes)

    def put_in(self, requests: int) -> None:
        bets = self._bets
        while self._parts <= requests // self._block:
            self._parts += 1
            part = min(bets.cash, due_part(self._parts))
            bets.cash -= part
            bets.stakes = [stake + part * weight for stake, weight in zip(bets.stakes, WORSE.weights, strict=True)]


def good_enough(metric: str) -> Decides:
    """The product's own test of whether a candidate is good enough."""
    watch = _watch(metric)

    def decides(is_candidate: bool, is_bad: bool, number: int) -> bool:
        return watch.take(_request(str(number), is_candidate, is_bad)) and watch.evidence.is_good

    return decides


def _watch(metric: str) -> Watch:
    gate = Gate(metric, "guardrail", at_most=1.0)
    return Watch(gate, METRICS[metric], ALPHA, ALPHA, begun(gate, METRICS[metric], 0.0))


def _geometric(chance: random.Random, part: float) -> int:
    """How many come before the first that is one of this part."""
    return int(math.log(1.0 - chance.random()) / math.log(1.0 - part)) if part < 1 else 0


def _of_candidate(chance: random.Random, count: int, part: float) -> int:
    """How many of so many are of this part."""
    found, at = 0, _geometric(chance, part)
    while at < count:
        found += 1
        at += 1 + _geometric(chance, part)
    return found


def _request(unit: str, is_candidate: bool, is_bad: bool, share: int = SHARE) -> Event:
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
