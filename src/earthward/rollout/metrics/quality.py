"""How answers compare, pair by pair, as a judge or a check says."""

from earthward.rollout.metrics.metric import Metric

METRIC = Metric(
    "quality",
    "answers compared pair by pair, a tie being half",
    "pairs",
    lambda event: event.score,
    weight=2.0,
)
