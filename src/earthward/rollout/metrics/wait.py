"""Time until a caller has something: the first content of a stream, else the whole answer."""

from earthward.rollout.event import Event
from earthward.rollout.metrics.metric import Metric


def reads(event: Event) -> float | None:
    return event.total_s if event.ttft_s is None else event.ttft_s


METRIC = Metric(
    "wait",
    "time to first content, or to a whole answer, above its limit, or none",
    "limit",
    reads,
    span="stage",
)
