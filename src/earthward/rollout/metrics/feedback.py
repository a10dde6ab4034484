"""Thumbs down: bad is a unit that said so. No feedback is no bad event, since who is content rarely says it."""

from earthward.rollout.metrics.metric import Metric, named

METRIC = Metric(
    "feedback",
    "units that gave negative feedback",
    "events",
    named("feedback"),
    role="signal",
    comes_late=True,
)
