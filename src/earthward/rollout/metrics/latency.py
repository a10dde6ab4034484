"""Time until the answer was whole: bad is later than the limit, or a failure."""

from earthward.rollout.metrics.metric import Metric

METRIC = Metric(
    "latency",
    "time to the whole answer above its limit, or a failure",
    "limit",
    lambda event: event.total_s,
    span="stage",
)
