"""Structured output that is not what the schema says."""

from earthward.rollout.metrics.metric import Metric, named

METRIC = Metric(
    "invalid_output",
    "structured output that does not fit its schema",
    "events",
    named("invalid_output"),
)
