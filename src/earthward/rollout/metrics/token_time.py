"""Time per token after the first: bad is slower than the limit, or a failure."""

from earthward.rollout.metrics.metric import Metric

METRIC = Metric(
    "token_time",
    "time per token above its limit, or a failure",
    "limit",
    lambda event: event.token_s,
    span="stage",
)
