"""Time to the first content: bad is later than the limit, or never."""

from earthward.rollout.metrics.metric import Metric

METRIC = Metric(
    "ttft",
    "time to first content above its limit, or none",
    "limit",
    lambda event: event.ttft_s,
    span="stage",
)
