"""Requests that another target had to serve."""

from earthward.rollout.metrics.metric import Metric, named

METRIC = Metric(
    "fallback_rate",
    "requests that another target had to serve",
    "events",
    named("fallback_rate"),
    role="signal",
)
