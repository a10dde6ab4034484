"""Figures for Prometheus: counts folded from settled records, gauges read off the board.

The records arrive exactly once, so what is counted here can't drift from the ledger. Counts start at zero with the
process, as Prometheus expects.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from earthward.control.drills import Drilled
from earthward.control.notifier import Told
from earthward.control.rollout_metrics import drill_families, notice_families, rollout_families
from earthward.control.standing import Standing
from earthward.gateway import board as columns
from earthward.gateway.board import Board
from earthward.ledger.record import Record

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
EDGES = tuple(round(edge * 1e9) for edge in SECONDS)
PLACE = ("route", "arm", "target")
Place = tuple[str, str, str]


class Histogram:
    """Counts per bucket, cumulative when read."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(SECONDS) + 1)
        self.total = 0.0

    def add(self, nanoseconds: list[int]) -> None:
        self.total += sum(nanoseconds) / 1e9
        ordered = sorted(nanoseconds)
        below = 0
        for place, edge in enumerate(EDGES):
            reached = bisect_right(ordered, edge, below)
            self.counts[place] += reached - below
            below = reached
        self.counts[-1] += len(ordered) - below

    def buckets(self) -> list[tuple[str, float]]:
        running = 0
        rows = []
        for edge, count in zip([*map(str, SECONDS), "+Inf"], self.counts, strict=True):
            running += count
            rows.append((edge, float(running)))
        return rows


class Metrics(Collector):
    """`store_state` tells in one word how the intake is doing, `rollouts` where the rollouts stand,
    `notices` how those are told who want to hear of them, `drills` how the drills of each route went.
    """

    def __init__(
        self,
        board: Board,
        workers: int,
        store_state: Callable[[], str],
        rollouts: Callable[[], Iterable[Standing]] = tuple,
        notices: Callable[[], Iterable[Told]] = tuple,
        drills: Callable[[], Mapping[str, Drilled]] = dict,
    ) -> None:
        self._board = board
        self._workers = workers
        self._store_state = store_state
        self._rollouts = rollouts
        self._notices = notices
        self._drills = drills
        self._requests: dict[tuple[str, str, str, str, str], int] = defaultdict(int)
        self._attempts: dict[tuple[str, str], int] = defaultdict(int)
        self._tokens: dict[tuple[str, str, str, str], int] = defaultdict(int)
        self._cost: dict[Place, int] = defaultdict(int)
        self._unpriced: dict[Place, int] = defaultdict(int)
        self._ttft: dict[Place, Histogram] = defaultdict(Histogram)
        self._waits: dict[Place, Histogram] = defaultdict(Histogram)
        self._duration: dict[Place, Histogram] = defaultdict(Histogram)
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def text(self) -> bytes:
        return generate_latest(self.registry)

    def fold(self, records: Iterable[Record]) -> None:
        by_place: defaultdict[Place, list[Record]] = defaultdict(list)
        for record in records:
            by_place[record.route, record.arm, record.target].append(record)
        for place, several in by_place.items():
            self._fold(place, several)

    def _fold(self, place: Place, records: list[Record]) -> None:
        for (status, failure), count in Counter([(it.status, it.failure) for it in records]).items():
            self._requests[(*place, status, failure or "")] += count
        tried = Counter([(attempt.target, attempt.failure) for it in records for attempt in it.attempts])
        for (target, failure), count in tried.items():
            self._attempts[target, failure or ""] += count
        usages = [it.usage for it in records]
        self._tokens[(*place, "input")] += sum([usage.input.tokens for usage in usages])
        self._tokens[(*place, "output")] += sum([usage.output.tokens for usage in usages])
        self._tokens[(*place, "cached")] += sum([usage.cached.tokens for usage in usages])
        costs = [it.cost for it in records if it.cost is not None]
        if costs:
            self._cost[place] += sum(costs)
        if len(costs) < len(records):
            self._unpriced[place] += len(records) - len(costs)
        self._duration[place].add([it.duration for it in records])
        waits = [it.queued for it in records if it.queued]
        if waits:
            self._waits[place].add(waits)
        first_contents = [it.first_content for it in records if it.first_content is not None]
        if first_contents:
            self._ttft[place].add(first_contents)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]:
        yield _counter("requests", "Exchanges settled.", [*PLACE, "status", "failure"], self._requests)
        yield _counter("attempts", "Attempts at a target.", ["target", "failure"], self._attempts)
        yield _counter("tokens", "Tokens, where known.", [*PLACE, "kind"], self._tokens)
        cost = {place: nano / 1e9 for place, nano in self._cost.items()}
        yield _counter("cost_dollars", "Cost of priced exchanges, in US dollars.", PLACE, cost)
        yield _counter("unpriced_requests", "Exchanges whose cost is unknown.", PLACE, self._unpriced)
        yield _histogram("time_to_first_content_seconds", "From accept to first content event.", self._ttft)
        yield _histogram("slot_wait_seconds", "From accept to a slot at an endpoint.", self._waits)
        yield _histogram("duration_seconds", "From accept to the end of the answer.", self._duration)
        yield from self._gauges()

    def _gauges(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        board = self._board
        alive = sum(1 for pid in board.column(columns.PID) if pid)
        yield _gauge("workers", "Worker processes serving.", alive)
        yield _gauge("workers_wanted", "Worker processes configured.", self._workers)
        yield _gauge("connections", "Open client connections.", board.total(columns.CONNECTIONS))
        yield _gauge("exchanges_in_flight", "Exchanges under way.", board.total(columns.IN_FLIGHT))
        yield _gauge(
            "unrecorded", "Records that wait for, or never reached, the spool.", board.total(columns.UNRECORDED)
        )
        state = GaugeMetricFamily("earthward_store_state", "How the intake of records is doing.", labels=["state"])
        state.add_metric([self._store_state()], 1)
        yield state
        yield from rollout_families(self._rollouts())
        yield from notice_families(self._notices())
        yield from drill_families(self._drills())


def _counter(
    name: str, text: str, labels: Iterable[str], values: "dict[Place, float] | dict[tuple[str, ...], int] | object"
) -> CounterMetricFamily:
    family = CounterMetricFamily(f"earthward_{name}", text, labels=list(labels))
    assert isinstance(values, dict)
    for place, value in values.items():
        family.add_metric(list(place), value)
    return family


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"earthward_{name}", text, value=value)


def _histogram(name: str, text: str, values: dict[Place, Histogram]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(f"earthward_{name}", text, labels=list(PLACE))
    for place, histogram in values.items():
        family.add_metric(list(place), buckets=histogram.buckets(), sum_value=histogram.total)
    return family
