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
    if it.is_good or elapsed <= 0.0:
        return None
    missing = math.log(watch.enough_good) - math.log(max(it.goodness, 1e-300))
    speeds = [growth * seen / elapsed for growth, seen in _ways(watch, share) if growth > 0.0 and seen >= FEWEST]
    return missing / max(speeds) if speeds else None


def _ways(watch: Watch, share: int) -> list[tuple[float, int]]:
    """How much the logarithm of the fortune may grow with each of what was seen, and how many those were."""
    it = watch.evidence
    if watch.metric.kind == "pairs":
        return [(_of_pairs(watch), it.candidate)] if it.candidate else []
    compared = (_of_events(watch, share), it.baseline_bad + it.candidate_bad)
    rare = (max(map(math.log, watch.if_fine)), len(it.tried))
    return [compared] if it.candidate_bad else [compared, rare]


def _of_events(watch: Watch, share: int) -> float:
    """For each bad event, at the ratio seen so far."""
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
