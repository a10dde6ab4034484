"""Refusals and empty answers."""

from earthward.rollout.metrics.metric import Metric, named

METRIC = Metric(
    "refusal",
    "refusals and empty answers",
    "events",
    named("refusal"),
)
