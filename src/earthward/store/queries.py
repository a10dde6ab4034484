"""Reads the ledger back: single exchanges, the newest ones, and sums that cost the same however long the ledger is."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, Table, func, literal, select

from earthward.ledger.availability import Outcomes
from earthward.ledger.record import Record
from earthward.ledger.summary import Summary, Totals, middle, summary
from earthward.store.rows import record_of
from earthward.store.tables import HOUR_SUMS, RECORD, exchange_hour_ttfts, exchange_hours, exchanges

ALWAYS = range(2**31)
"""All hours."""


def exchange(engine: Engine, id: str) -> Record | None:
    records = _records(engine, select(*RECORD).where(exchanges.c.id == id))
    return records[0] if records else None


def only(route: str | None = None, arm: str | None = None, *, is_failed: bool = False) -> list[ColumnElement[bool]]:
    """Exchanges of this route, on this arm, and only those that failed or that another target had to serve."""
    wanted = [
        column == name for column, name in ((exchanges.c.route, route), (exchanges.c.arm, arm)) if name is not None
    ]
    return [*wanted, *([(exchanges.c.status == "failed") | _is_rescued()] if is_failed else [])]


def newest(engine: Engine, count: int, wanted: Iterable[ColumnElement[bool]] = ()) -> list[Record]:
    """The exchanges that were stored last, the very last one at the end."""
    return _records(engine, select(*RECORD).where(*wanted).order_by(exchanges.c.number.desc()).limit(count))[::-1]


def end(engine: Engine) -> int:
    """The number of the exchange that was stored last; `stored_after` goes on from there."""
    with engine.connect() as connection:
        return connection.scalar(select(func.max(exchanges.c.number))) or 0


def stored_after(engine: Engine, number: int, up_to: int, wanted: Iterable[ColumnElement[bool]] = ()) -> list[Record]:
    """The exchanges stored behind the one with the first number, up to the one with the second."""
    within = (exchanges.c.number > number) & (exchanges.c.number <= up_to)
    return _records(engine, select(*RECORD).where(within, *wanted).order_by(exchanges.c.number))


def summaries(engine: Engine, hours: range = ALWAYS) -> list[Summary]:
    """One for each arm and target, over these hours since 1970; percentiles are within 2.5 %."""
    ttfts = _ttfts(engine, hours)
    place = (exchange_hours.c.arm, exchange_hours.c.target)
    sums = [func.sum(exchange_hours.c[name]) for name in HOUR_SUMS]
    clause = select(*place, *sums).where(*_within(exchange_hours, hours)).group_by(*place).order_by(*place)
    rows = _rows(engine, clause)
    return [summary(arm, target, Totals(*map(int, totals)), ttfts[arm, target]) for arm, target, *totals in rows]


def outcomes(engine: Engine, since: int) -> list[Outcomes]:
    """How exchanges ended that were accepted since then (Unix nanoseconds), by route and target."""
    table = exchanges
    place = (table.c.route, table.c.target, table.c.status, table.c.failure)
    clause = select(*place, func.count()).where(table.c.accepted_at >= since).group_by(*place)
    return [Outcomes(*row) for row in _rows(engine, clause)]


def _is_rescued() -> ColumnElement[bool]:
    """As `ledger.summary.is_rescued`: the first attempt, with which the column begins, was at another target."""
    own = literal('[["') + exchanges.c.target + literal('",')
    is_other = func.substr(exchanges.c.attempts, 1, func.length(own)) != own
    return (exchanges.c.status == "ok") & (exchanges.c.attempts != "[]") & is_other


def _ttfts(engine: Engine, hours: range) -> dict[tuple[str, str], Counter[int]]:
    table = exchange_hour_ttfts
    group = (table.c.arm, table.c.target, table.c.bucket)
    counted: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    clause = select(*group, func.sum(table.c.requests)).where(*_within(table, hours)).group_by(*group)
    for arm, target, bucket, count in _rows(engine, clause):
        counted[arm, target][middle(bucket)] += int(count)
    return counted


def _within(table: Table, hours: range) -> list[ColumnElement[bool]]:
    return [] if hours == ALWAYS else [table.c.hour.between(hours.start, hours.stop - 1)]


def _records(engine: Engine, clause: Select[Any]) -> list[Record]:
    return [record_of(row) for row in _rows(engine, clause)]


def _rows(engine: Engine, clause: Select[Any]) -> Sequence[Any]:
    with engine.connect() as connection:
        return connection.execute(clause).all()
