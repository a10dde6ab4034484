"""When a gate may be expected to pass, if things go on as they have: told to people, never used to decide."""

import math

from earthward.rollout import bets, scores
from earthward.rollout.bets import SAFER
from earthward.rollout.event import WHOLE
from earthward.rollout.evidence import Watch

FEWEST = 3
"""Bad events or pairs before which nothing is foretold."""


def expected_seconds(watch: Watch, share: int, elapsed: float) -> float | None:
    """Until the gate passes; None where that is not in sight or nothing is known yet."""
    it = watch.evidence
    seen = it.candidate if watch.metric.kind == "pairs" else it.baseline_bad + it.candidate_bad
    if it.is_good or seen < FEWEST or elapsed <= 0.0:
        return None
    growth = _of_pairs(watch) if watch.metric.kind == "pairs" else _of_events(watch, share)
    missing = math.log(watch.enough_good) - math.log(max(it.goodness, 1e-300))
    return missing / growth / (seen / elapsed) if growth > 0.0 else None


def _of_events(watch: Watch, share: int) -> float:
    """How much the logarithm of the fortune may grow with each bad event, at the ratio seen so far."""
    odds = bets.odds(SAFER, watch.gate.below, share)
    if odds is None:
        return 0.0
    it = watch.evidence
    # At one arm's share only the ratio matters; a few events more on either side keep it from extremes.
    part = (it.candidate_bad + share / WHOLE * 2) / (it.candidate_bad + it.baseline_bad + 2)
    pairs = zip(odds.on_candidate, odds.on_baseline, strict=True)
    return max(part * math.log(candidate) + (1 - part) * math.log(baseline) for candidate, baseline in pairs)


def _of_pairs(watch: Watch) -> float:
    it = watch.evidence
    gap = it.total / it.candidate - (0.5 - watch.gate.margin)
    # A quarter is the largest variance that scores can have; most have less, so this rather promises too little.
    return max(step * gap - step * step * (0.25 + gap * gap) / 2 for step in scores.STEPS.ratios)
