"""What a request costs, as a mean of each arm. Shown, never tested: costs have tails that no small sample shows."""

from earthward.rollout.metrics.metric import Metric

METRIC = Metric(
    "cost",
    "mean cost of a request, shown only",
    "sums",
    lambda event: event.cost,
    role="signal",
)
