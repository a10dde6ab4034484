"""Figures on endpoints and targets for Prometheus, off the board: what is in flight, who waits, who is left alone."""

import time
from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from earthward.config.snapshot import Snapshot
from earthward.control.limit_metrics import Growing
from earthward.gateway.board import Board, out_column
from earthward.gateway.verdicts import NOWHERE, place_of_endpoint, place_of_target, said_of
from earthward.routing import health

ENDPOINT = ("provider", "endpoint")


class EndpointMetrics(Collector):
    """`snapshot` is the one in force."""

    def __init__(self, board: Board, snapshot: Callable[[], Snapshot]) -> None:
        self._board = board
        self._snapshot = snapshot
        self._outs = Growing(board)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        snapshot = self._snapshot()
        yield from self._of_endpoints(snapshot)
        yield from self._of_targets(snapshot)

    def _of_endpoints(self, snapshot: Snapshot) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        flying = GaugeMetricFamily("earthward_endpoint_in_flight", "Requests at an endpoint.", labels=ENDPOINT)
        text = "Whether an endpoint is left alone for what it answered: 1 is out, 0.5 on trial."
        out = GaugeMetricFamily("earthward_endpoint_out", text, labels=ENDPOINT)
        outs = CounterMetricFamily(
            "earthward_endpoint_ejections", "How often an endpoint was put out.", labels=ENDPOINT
        )
        queue = GaugeMetricFamily("earthward_queue_waiting", "Requests that wait for a slot.", labels=["provider"])
        for provider in snapshot.providers:
            for endpoint in provider.endpoints:
                who, place = [provider.name, endpoint.url], place_of_endpoint(endpoint.cell)
                flying.add_metric(who, self._board.in_flight(endpoint.cell))
                out.add_metric(who, self._state(place))
                outs.add_metric(who, self._outs.total(out_column(place)))
            if provider.endpoints:
                queue.add_metric([provider.name], self._board.waiting(provider.endpoints[0].cell))
        yield from (flying, out, outs, queue)

    def _of_targets(self, snapshot: Snapshot) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        text = "Whether a target's circuit breaker is open: 1 is open, 0.5 on trial."
        opened = GaugeMetricFamily("earthward_breaker_open", text, labels=["target"])
        times = CounterMetricFamily(
            "earthward_breaker_opened", "How often a target's circuit breaker opened.", labels=["target"]
        )
        for target in snapshot.targets:
            place = place_of_target(target.cell)
            if place != NOWHERE:
                opened.add_metric([target.name], self._state(place))
                times.add_metric([target.name], self._outs.total(out_column(place)))
        yield from (opened, times)

    def _state(self, place: int) -> float:
        said = said_of(self._board, place)
        return STATES[health.state(said, int(time.monotonic() * 1000))]


STATES: dict[health.State, float] = {"well": 0.0, "out": 1.0, "trial": 0.5}
