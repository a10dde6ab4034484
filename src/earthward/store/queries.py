"""Reads the ledger back: single exchanges, the newest ones, and sums that cost the same however long the ledger is."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from sqlalchemy import Engine, func, select

from earthward.ledger.record import Record
from earthward.ledger.summary import Summary, Totals, middle, summary
from earthward.store.rows import record_of
from earthward.store.tables import HOUR_SUMS, exchange_hour_ttfts, exchange_hours, exchanges

Place = tuple[str, str]


def exchange(engine: Engine, id: str) -> Record | None:
    with engine.connect() as connection:
        row = connection.execute(select(exchanges).where(exchanges.c.id == id)).one_or_none()
    return None if row is None else record_of(row)


def newest(engine: Engine, count: int) -> list[Record]:
    """The last exchanges by the time of accept, the newest last."""
    clause = select(exchanges).order_by(exchanges.c.accepted_at.desc(), exchanges.c.id.desc()).limit(count)
    with engine.connect() as connection:
        rows = connection.execute(clause).all()
    return [record_of(row) for row in reversed(rows)]


def accepted_since(engine: Engine, time: int, seen: Iterable[str] = ()) -> list[Record]:
    """The exchanges accepted at that time or later, the newest last, without those already seen."""
    clause = select(exchanges).where(exchanges.c.accepted_at >= time).order_by(exchanges.c.accepted_at, exchanges.c.id)
    known = set(seen)
    with engine.connect() as connection:
        return [record_of(row) for row in connection.execute(clause) if row.id not in known]


def summaries(engine: Engine, first_hour: int = 0, last_hour: int = 2**31 - 1) -> list[Summary]:
    """One for each arm and target, over whole hours since 1970; percentiles are within 2.5 %."""
    ttfts = _ttfts(engine, first_hour, last_hour)
    sums = [func.sum(exchange_hours.c[name]) for name in HOUR_SUMS]
    place = (exchange_hours.c.arm, exchange_hours.c.target)
    within = exchange_hours.c.hour.between(first_hour, last_hour)
    with engine.connect() as connection:
        rows = connection.execute(select(*place, *sums).where(within).group_by(*place).order_by(*place)).all()
    return [summary(arm, target, Totals(*map(int, totals)), ttfts[arm, target]) for arm, target, *totals in rows]


def _ttfts(engine: Engine, first_hour: int, last_hour: int) -> dict[Place, Counter[int]]:
    table = exchange_hour_ttfts
    group = (table.c.arm, table.c.target, table.c.bucket)
    within = table.c.hour.between(first_hour, last_hour)
    counted: dict[Place, Counter[int]] = defaultdict(Counter)
    with engine.connect() as connection:
        rows = connection.execute(select(*group, func.sum(table.c.requests)).where(within).group_by(*group))
        for arm, target, number, count in rows:
            counted[arm, target][middle(number)] += int(count)
    return counted
