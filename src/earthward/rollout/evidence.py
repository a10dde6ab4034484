"""What is known of one metric so far: two e-processes on the same events, one for "worse", one for "good enough".

A unit counts once, by its first bad event or its first pair. State is plain data; msgspec writes it down.
"""

import math
from operator import mul
from typing import Literal

import msgspec

from earthward.rollout import bets, scores
from earthward.rollout.bets import OTHER, RARE, SAFER, WORSE, Bets
from earthward.rollout.event import WHOLE, Event
from earthward.rollout.metrics import Metric
from earthward.rollout.plan import Gate

Verdict = Literal["pass", "fail", "inconclusive", "no data", "error"]

ERRORS_IN_A_ROW = 5
"""So many measurements in a row that could not be made are an error of the metric, not of the candidate."""

PRE_QUANTILE = 0.95

RARE_PART = 0.15
"""The part of the fortune that bets on "rare enough by itself", the rest on "not much more often than the baseline"."""

RARE_UNITS = 20_000
"""Who is not shown to be rare by so many units is not rare enough."""

SPLIT_ALPHA = 0.001
SPLIT_UNITS = 5_000
"""The split is checked on so many units of each stage: enough to see any that matters, and little to remember."""


class Evidence(msgspec.Struct):
    """Of one metric, since its span began.

    `baseline` and `candidate` count requests that told something, `baseline_bad` and `candidate_bad` units with a bad
    event; for pairs, `candidate` counts pairs and `total` sums their scores; for sums, each arm has its total. `good`
    and `rare` are two ways to be good enough, and their fortunes add up; `tried` are the units that `rare` has seen.
    `limit` is the frozen limit of a time, learned from `pre`, the baseline's first ones; `timed` counts the candidate's
    times, without which failures alone say nothing of times.
    """

    worse: Bets
    good: Bets
    rare: Bets
    is_good: bool = False
    baseline: int = 0
    candidate: int = 0
    baseline_bad: int = 0
    candidate_bad: int = 0
    total: float = 0.0
    baseline_total: float = 0.0
    errors: int = 0
    began: float = 0.0
    limit: float | None = None
    timed: int = 0
    pre: list[float] = []
    counted: set[str] = set()
    tried: set[str] = set()

    @property
    def goodness(self) -> float:
        """The e-value for "good enough"."""
        return self.good.fortune + self.rare.fortune


class Watch:
    """One gate at work: reads requests into its evidence. `enough_*` are 1/α."""

    def __init__(self, gate: Gate, metric: Metric, alpha: float, certify_alpha: float, evidence: Evidence) -> None:
        self.gate = gate
        self.metric = metric
        self.enough_worse = 1.0 / alpha
        self.enough_good = 1.0 / certify_alpha
        self.evidence = evidence
        self.is_of_stage = metric.span == "stage"
        self._if_bad = RARE.ratios
        rare = gate.negligible
        self.if_fine = tuple((1.0 - rare * ratio) / (1.0 - rare) for ratio in RARE.ratios)
        self.take = {"events": self._take_event, "limit": self._take_time, "pairs": self._take_pair}.get(
            metric.kind, self._take_sum
        )

    @property
    def verdict(self) -> Verdict:
        it = self.evidence
        if it.worse.is_won:
            return "fail"
        if it.errors >= ERRORS_IN_A_ROW:
            return "error"
        if not it.candidate or not (it.baseline or self.metric.kind == "pairs"):
            return "no data"
        if self.metric.kind == "limit" and not it.timed:
            return "no data"
        if it.is_good or self.metric.kind == "sums":
            return "pass"
        return "inconclusive"

    def fail_to_measure(self) -> None:
        self.evidence.errors += 1

    def _take_event(self, event: Event) -> bool:
        """Takes in one request; whether a test has come to its end by it, or what waited for it may go on."""
        bad = self.metric.reads(event)
        if event.bad and self.metric.name in event.bad:
            bad = True
        return bad is not None and self._count(event, bool(bad))

    def _take_time(self, event: Event) -> bool:
        seconds = self.metric.reads(event)
        limit = self.evidence.limit
        if limit is None:
            self._learn(event, seconds)
            return False
        is_first = False
        if seconds is not None and event.arm == "candidate":
            self.evidence.timed += 1
            is_first = self.evidence.timed == 1
        if event.ok is False or (event.bad and self.metric.name in event.bad):
            return self._count(event, True) or is_first
        return seconds is not None and (self._count(event, seconds > limit) or is_first)

    def _learn(self, event: Event, seconds: float | None) -> None:
        """Freezes the limit at the baseline's p95. What it was learned from is no evidence."""
        if event.arm == "candidate" or seconds is None:
            return
        pre = self.evidence.pre
        pre.append(seconds)
        if len(pre) >= self.gate.pre_period:
            self.evidence.limit = sorted(pre)[max(0, math.ceil(PRE_QUANTILE * len(pre)) - 1)]
            self.evidence.pre = []

    def _count(self, event: Event, is_bad: bool) -> bool:
        it = self.evidence
        ended = it.errors >= ERRORS_IN_A_ROW
        it.errors = 0
        if event.arm == "candidate":
            it.candidate += 1
            ended |= it.candidate == 1
            may_be_tried = not it.is_good and not self.metric.comes_late
            if may_be_tried and event.share < WHOLE and event.unit not in it.tried:
                ended |= self._try(event.unit, is_bad)
        else:
            it.baseline += 1
            ended |= it.baseline == 1
        if is_bad and event.unit not in it.counted:
            ended |= self._settle(event)
        return ended

    def take_fine(self, baseline: int, candidate: int) -> None:
        """Takes in many requests without a bad event at once, as sums have them. They say nothing of being rare."""
        it = self.evidence
        it.errors = 0
        it.baseline += baseline
        it.candidate += candidate

    def _try(self, unit: str, is_bad: bool) -> bool:
        """A candidate's unit by its first request, whatever comes later: units are trials, requests are not."""
        it = self.evidence
        if len(it.tried) >= RARE_UNITS:
            return False
        it.tried.add(unit)
        came = self._if_bad if is_bad else self.if_fine
        it.rare.stakes = list(map(mul, it.rare.stakes, came))
        return self._is_good_now()

    def _is_good_now(self) -> bool:
        """Whether this has just been shown to be good enough."""
        it = self.evidence
        if it.is_good or not (it.good.is_won or it.goodness >= self.enough_good):
            return False
        it.is_good, it.tried = True, set()
        return True

    def _settle(self, event: Event) -> bool:
        it = self.evidence
        it.counted.add(event.unit)
        is_candidate = event.arm == "candidate"
        if is_candidate:
            it.candidate_bad += 1
        else:
            it.baseline_bad += 1
        worse = bets.odds(WORSE, self.gate.tolerate, event.share)
        good = bets.odds(SAFER, self.gate.below, event.share)
        if worse is None or good is None:
            return False
        failed = bets.settle(it.worse, worse, is_candidate, self.enough_worse)
        bets.settle(it.good, good, is_candidate, self.enough_good)
        return self._is_good_now() or failed

    def _take_pair(self, event: Event) -> bool:
        score = self.metric.reads(event)
        it = self.evidence
        if score is None:
            return False
        can_again = it.errors >= ERRORS_IN_A_ROW
        it.errors = 0
        if event.unit in it.counted:
            return can_again
        it.counted.add(event.unit)
        it.candidate += 1
        it.total += score
        mean = 0.5 - self.gate.margin
        failed = scores.settle_score(it.worse, score, mean, -1, self.enough_worse)
        scores.settle_score(it.good, score, mean, 1, self.enough_good)
        return self._is_good_now() or failed or can_again

    def _take_sum(self, event: Event) -> bool:
        amount = self.metric.reads(event)
        it = self.evidence
        if amount is None:
            return False
        can_again = it.errors >= ERRORS_IN_A_ROW
        it.errors = 0
        if event.arm == "candidate":
            it.candidate += 1
            it.total += amount
            return can_again or it.candidate == 1
        it.baseline += 1
        it.baseline_total += amount
        return can_again or it.baseline == 1


def begun(gate: Gate, metric: Metric, now: float, limit: float | None = None) -> Evidence:
    """Evidence before the first request. A limit that was frozen stays."""
    at_most = gate.at_most if gate.at_most is not None else limit
    if metric.kind == "pairs":
        worse, good, rare = bets.opened(scores.STEPS, scores.FIRST), bets.opened(scores.STEPS), Bets([])
    else:
        worse, good = bets.opened(WORSE, bets.FIRST), bets.opened(SAFER, whole=1.0 - RARE_PART)
        rare = bets.opened(RARE, whole=RARE_PART)
    return Evidence(worse, good, rare, began=now, limit=at_most)


class Split(msgspec.Struct):
    """Whether units come to the arms as their share says, since this stage began. First sightings only."""

    bets: Bets
    seen: set[str] = set()
    candidate: int = 0

    def take(self, event: Event, enough: float) -> bool:
        """Takes in one request; whether the split is now known to be off."""
        if len(self.seen) >= SPLIT_UNITS or event.unit in self.seen:
            return False
        self.seen.add(event.unit)
        is_candidate = event.arm == "candidate"
        self.candidate += is_candidate
        odds = bets.odds(OTHER, 1.0, event.share)
        return odds is not None and bets.settle(self.bets, odds, is_candidate, enough)


def even_split() -> Split:
    return Split(bets.opened(OTHER))
