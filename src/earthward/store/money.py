"""Sums of money by minute, hour and day, so that no view scans exchanges; how far they are booked; what is kept.

Exchanges are booked in the order they were stored, each once: the sums and how far they go are committed together.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from earthward.ledger.books import GRAINS, Sums
from earthward.ledger.record import Record
from earthward.store.rows import BOOKED, booked_of
from earthward.store.tables import (
    MONEY_KEY,
    MONEY_NAMES,
    MONEY_SUMS,
    alerts_told,
    booked,
    exchanges,
    money_sums,
    statement,
    upsert,
)

Grain = Literal["minute", "hour", "day"]
BOOKS = "money"


class Overtaken(Exception):
    """Another process booked the same exchanges first; nothing was written."""


class Row(msgspec.Struct, frozen=True):
    """Sums by whatever was asked for; `name` holds the values of those columns, in their order."""

    name: tuple[Any, ...]
    sums: Sums


def position(engine: Engine) -> int:
    """The number of the exchange that was booked last."""
    with engine.connect() as connection:
        return connection.scalar(select(booked.c.number).where(booked.c.name == BOOKS)) or 0


def unbooked(engine: Engine, after: int, limit: int) -> list[tuple[int, Record]]:
    """Of the records as much as matters to the books, with their numbers."""
    columns = [exchanges.c[name] for name in BOOKED]
    query = select(exchanges.c.number, *columns).where(exchanges.c.number > after).order_by(exchanges.c.number)
    with engine.connect() as connection:
        return [(row[0], booked_of(row[1:])) for row in connection.execute(query.limit(limit)).all()]


def book(engine: Engine, rows: Iterable[tuple[Any, ...]], after: int, up_to: int) -> None:
    """Adds rows (values of the key and the sums, without a grain, the minute as start) to all three grains."""
    sums = _by_grain(rows)
    with engine.connect().execution_options(earthward_writes=True) as connection, connection.begin():
        _move(connection, after, up_to)
        if sums:
            connection.exec_driver_sql(_adding(engine), sums)


@lru_cache(maxsize=4)
def _adding(engine: Engine) -> str:
    # Working out the statement is as dear as booking hundreds of exchanges.
    return statement(engine, upsert(engine, money_sums, MONEY_KEY, MONEY_SUMS))[0]


def _by_grain(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    width = 1 + len(MONEY_NAMES)
    minutes: defaultdict[tuple[Any, ...], list[tuple[int, ...]]] = defaultdict(list)
    for row in rows:
        minutes[row[:width]].append(row[width:])
    grains: defaultdict[tuple[Any, ...], list[tuple[int, ...]]] = defaultdict(list)
    for (minute, *names), several in minutes.items():
        sums = _sum(several)
        for grain in GRAINS.values():
            grains[grain, minute - minute % grain, *names].append(sums)
    return [(*key, *_sum(several)) for key, several in grains.items()]


def _sum(several: list[tuple[int, ...]]) -> tuple[int, ...]:
    return several[0] if len(several) == 1 else tuple(map(sum, zip(*several, strict=True)))


def _move(connection: Connection, after: int, up_to: int) -> None:
    if after == 0:
        try:
            connection.execute(insert(booked).values(name=BOOKS, number=up_to))
        except IntegrityError as error:
            raise Overtaken from error
        return
    mine = (booked.c.name == BOOKS) & (booked.c.number == after)
    if connection.execute(update(booked).where(mine).values(number=up_to)).rowcount != 1:
        raise Overtaken


def sums_by(
    engine: Engine, columns: Sequence[str] = (), *, grain: Grain = "day", within: range | None = None, **where: Any
) -> list[Row]:
    """Sums by these columns, over minutes since 1970 (UTC). `where` has values of columns, or collections of them."""
    chosen = [money_sums.c[name] for name in columns]
    query = select(*chosen, *(func.sum(money_sums.c[name]) for name in MONEY_SUMS))
    query = query.where(money_sums.c.grain == GRAINS[grain])
    if within is not None:
        query = query.where(money_sums.c.start.between(within.start, within.stop - 1))
    for name, value in where.items():
        column = money_sums.c[name]
        several = isinstance(value, Collection) and not isinstance(value, str)
        query = query.where(column.in_(list(value)) if several else column == value)
    with engine.connect() as connection:
        rows = connection.execute(query.group_by(*chosen).order_by(*chosen)).all()
    width = len(chosen)
    return [Row(tuple(row[:width]), Sums(*(int(it or 0) for it in row[width:]))) for row in rows if row[width]]


# ── what was told, and what is kept ──


def told(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.scalars(select(alerts_told.c.key)))


def tell(engine: Engine, key: str, now: int) -> bool:
    """Notes that an alert is told; false if it was before. To be called before it goes out: better none than two."""
    with engine.connect().execution_options(earthward_writes=True) as connection, connection.begin():
        try:
            connection.execute(insert(alerts_told).values(key=key, told_at=now))
        except IntegrityError:
            return False
    return True


def forget(engine: Engine, key: str) -> None:
    """Takes it back: the alert did not reach anyone."""
    with engine.connect().execution_options(earthward_writes=True) as connection, connection.begin():
        connection.execute(delete(alerts_told).where(alerts_told.c.key == key))


def prune(
    engine: Engine, *, exchanges_before: int | None, sums_before: dict[Grain, int], needed_from: int | None = None
) -> int:
    """Deletes exchanges accepted before then (Unix nanoseconds) that are booked, and sums that began before then
    (minutes since 1970), in steps that keep no writer waiting. How many exchanges. Those behind the number
    `needed_from` stay."""
    # The last one stays: in an empty table SQLite would count from one again.
    limit, gone = position(engine) - 1, 0
    if needed_from is not None:
        limit = min(limit, needed_from)
    while exchanges_before is not None:
        old = (
            select(exchanges.c.number)
            .where(exchanges.c.accepted_at < exchanges_before, exchanges.c.number <= limit)
            .limit(5000)
        )
        with engine.connect().execution_options(earthward_writes=True) as connection, connection.begin():
            count = connection.execute(delete(exchanges).where(exchanges.c.number.in_(old))).rowcount
        gone += count
        if not count:
            break
    for grain, start in sums_before.items():
        with engine.connect().execution_options(earthward_writes=True) as connection, connection.begin():
            mine = (money_sums.c.grain == GRAINS[grain]) & (money_sums.c.start < start)
            connection.execute(delete(money_sums).where(mine))
    return gone
