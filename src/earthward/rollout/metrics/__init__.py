"""All metrics, one per file. Another is a file here and a line below, or an event of the plan's own."""

from earthward.rollout.metrics import (
    cost,
    error_rate,
    fallback_rate,
    feedback,
    invalid_output,
    latency,
    quality,
    refusal,
    token_time,
    tool_mismatch,
    truncated,
    ttft,
    wait,
)
from earthward.rollout.metrics.metric import ROLES, Kind, Metric, Role, Span, named

__all__ = ["METRICS", "ROLES", "Kind", "Metric", "Role", "Span", "own"]

METRICS: dict[str, Metric] = {
    module.METRIC.name: module.METRIC
    for module in (
        error_rate,
        ttft,
        wait,
        token_time,
        latency,
        truncated,
        invalid_output,
        tool_mismatch,
        refusal,
        quality,
        feedback,
        cost,
        fallback_rate,
    )
}


def own(name: str) -> Metric:
    """A bad event of the user's own, which requests name in `bad`."""
    return Metric(name, "an event of your own", "events", named(name), role="dry run")
