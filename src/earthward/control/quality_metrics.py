"""Figures on what looks at answers, for Prometheus: samples, shadows, judges, what they spend, and feedback."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from earthward.gateway import board as columns
from earthward.gateway.board import Board

Pairs = Mapping[tuple[str, str], int]
NANO = 1e9


class QualityMetrics(Collector):
    """`done` and `dropped` by route and word; `spent` in nano-dollars by route; `feedback` by route, arm and word."""

    def __init__(
        self,
        board: Board,
        done: Pairs,
        dropped: Pairs,
        feedback: Mapping[tuple[str, str, str], int],
        spent: Callable[[], Mapping[str, int]],
        waiting: Callable[[], int],
    ) -> None:
        self._board = board
        self._done = done
        self._dropped = dropped
        self._feedback = feedback
        self._spent = spent
        self._waiting = waiting

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        yield _counter("samples", "Samples by what was done with them.", ("route", "done"), self._done)
        yield _counter("samples_dropped", "Samples given up, by why.", ("route", "why"), self._dropped)
        yield _gauge("samples_sent", "Samples that the workers now serving sent.", self._board.total(columns.SAMPLED))
        lost = self._board.total(columns.SAMPLES_DROPPED)
        yield _gauge("samples_unsent", "Samples that they dropped: too large, too many, or no room on the line.", lost)
        yield _gauge("samples_waiting", "Samples that wait for their shadow.", self._waiting())
        text = "Spent and set aside today (UTC) for shadows and judges, in US dollars."
        spent = GaugeMetricFamily("earthward_shadow_spend_dollars", text, labels=["route"])
        for route, nano in self._spent().items():
            spent.add_metric([route], nano / NANO)
        yield spent
        yield _counter("feedback", "What callers said of answers.", ("route", "arm", "word"), self._feedback)


def _counter(name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(f"earthward_{name}", text, labels=labels)
    for place, value in dict(values).items():
        family.add_metric(list(place), value)
    return family


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"earthward_{name}", text, value=value)
