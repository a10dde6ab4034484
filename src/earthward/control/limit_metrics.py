"""Figures on limits for Prometheus: what was refused, and what is left to those that the configuration names."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from earthward.gateway.board import LIMIT_COLUMNS, Board
from earthward.gateway.limits_left import Remaining

WHO = ("scope", "name", "limit")


class Growing:
    """Counts on the board, which begin at zero again with each worker, as counts that only grow."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._seen: dict[int, list[int]] = {}
        self._totals: dict[int, int] = defaultdict(int)

    def total(self, column: int) -> int:
        now = self._board.column(column)
        before = self._seen.get(column, [0] * len(now))
        self._totals[column] += sum(
            count - was if count >= was else count for count, was in zip(now, before, strict=True)
        )
        self._seen[column] = now
        return self._totals[column]


class LimitMetrics(Collector):
    """`left` tells what is left of limits; those of keys are left out, since they may be very many."""

    def __init__(self, board: Board, left: Callable[[], Iterable[Remaining]]) -> None:
        self._refused = Growing(board)
        self._left = left

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        text = "Requests refused, and targets passed over, because a limit was reached."
        refused = CounterMetricFamily("earthward_refused_by_limit", text, labels=["scope", "limit"])
        for (scope, limit), column in LIMIT_COLUMNS.items():
            refused.add_metric([scope, limit], self._refused.total(column))
        yield refused
        of = GaugeMetricFamily(
            "earthward_limit", "A limit of a team, application or target; budgets in US dollars.", labels=[*WHO, "soft"]
        )
        used = GaugeMetricFamily("earthward_limit_used", "What is used of it.", labels=WHO)
        told = set()
        for it in self._left():
            who = [it.scope, it.name, it.limit]
            of.add_metric([*who, "1" if it.is_soft else ""], it.of)
            if tuple(who) not in told:
                told.add(tuple(who))
                used.add_metric(who, it.used)
        yield from (of, used)
