"""Requests that failed, whoever saved them afterwards."""

from earthward.rollout.metrics.metric import Metric

METRIC = Metric(
    "error_rate",
    "requests that failed on the arm they were assigned to",
    "events",
    lambda event: None if event.ok is None else not event.ok,
    weight=2.0,
)
