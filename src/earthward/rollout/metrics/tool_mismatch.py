"""Tool calls with another name or other arguments than expected."""

from earthward.rollout.metrics.metric import Metric, named

METRIC = Metric(
    "tool_mismatch",
    "tool calls with a wrong name or wrong arguments",
    "events",
    named("tool_mismatch"),
)
