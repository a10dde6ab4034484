"""Answers cut off by a length limit or a broken stream."""

from earthward.rollout.metrics.metric import Metric, named

METRIC = Metric(
    "truncated",
    "answers that were cut off",
    "events",
    named("truncated"),
)
