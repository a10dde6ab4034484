"""Prices as SQL: a table of rates for the models that occur, joined to the usage. No call for each request."""

from collections.abc import Sequence
from datetime import date

import duckdb

from earthward.config.snapshot import Rate
from earthward.cost.price_book import Override, rates_of

MOST_MODELS = 50_000

TABLE = """
CREATE OR REPLACE TEMP TABLE rates (
    model VARCHAR, batch BOOLEAN, since DATE, until DATE, above BIGINT, up_to BIGINT,
    begin_at SMALLINT, end_at SMALLINT, input BIGINT, output BIGINT, cached BIGINT, cache_written BIGINT,
    request BIGINT, for_an_hour BIGINT
)
"""

COST = """
CASE WHEN u.requests IS NOT NULL OR r.request = 0 THEN (
    greatest(u.input - coalesce(u.cached, 0) - coalesce(u.cache_written, 0), 0)::{int} * r.input
    + coalesce(u.cached, 0)::{int} * r.cached + coalesce(u.cache_written, 0)::{int} * r.cache_written
    + u.output::{int} * r.output + coalesce(u.requests, 0)::{int} * r.request{hour} + 500
) // 1000 END
"""
"""Nano-dollars of one row, rounded half up; NULL where a price or a count is not known."""

FOR_AN_HOUR = """
    + CASE WHEN coalesce(u.for_an_hour, 0) = 0 THEN 0
        ELSE u.for_an_hour::{int} * (r.for_an_hour - r.cache_written) END"""
"""What tokens kept in a cache for an hour cost beyond those written for minutes. Only where a file tells of any."""

JOIN = """
FROM usage u LEFT JOIN model_reasons m ON m.model = u.model LEFT JOIN rates r ON r.model = u.model AND r.batch = u.batch
    AND u.ts >= r.since AND u.ts < r.until
    AND {length} > r.above AND {length} <= r.up_to
    {hours}
"""
"""A request has one rate or none. Rows that stand for many requests are priced by their average length, and as short
ones where it is not told how many they are."""

HOURS = (
    "AND (r.begin_at = 0 AND r.end_at = 1440 OR hour(u.ts) * 60 + minute(u.ts) >= r.begin_at "
    "AND hour(u.ts) * 60 + minute(u.ts) < r.end_at)"
)


def make_rates(connection: duckdb.DuckDBPyConnection, overrides: Sequence[Override] = ()) -> list[str]:
    """Fills the table for the models that occur. Returns those of which nothing is known."""
    rows = connection.execute(f"SELECT DISTINCT model FROM usage ORDER BY model LIMIT {MOST_MODELS}").fetchall()
    connection.execute(TABLE)
    unknown, values = [], []
    for (model,) in rows:
        found = rates_of(model, overrides)
        if found is None or not found.rates:
            unknown.append(model)
        values += [row_of(model, rate) for rate in found.rates] if found else []
    if values:
        connection.executemany(f"INSERT INTO rates VALUES ({', '.join('?' * 14)})", values)
    return unknown


def row_of(model: str, rate: Rate) -> tuple[object, ...]:
    price = rate.price
    return (
        model,
        rate.batch,
        rate.since or date(1, 1, 1),
        rate.until or date(9999, 12, 31),
        rate.above,
        rate.up_to if rate.up_to is not None else 2**62,
        rate.begin,
        rate.end,
        price.input,
        price.output,
        price.cached,
        price.cache_written,
        price.request,
        price.written_for_an_hour,
    )


def priced(connection: duckdb.DuckDBPyConnection, *, is_summed: bool) -> tuple[str, str]:
    """The expression for the cost of a row, and the FROM that it needs."""
    by_hour = connection.execute("SELECT count(*) FROM rates WHERE begin_at > 0 OR end_at < 1440").fetchone()
    length = (
        "CASE WHEN u.requests > 0 THEN coalesce(u.input // u.requests, 0) ELSE 0 END"
        if is_summed
        else "coalesce(u.input, 0)"
    )
    hours = HOURS if by_hour and by_hour[0] else ""
    # A row that stands for a month of requests may pass what 64 bits hold.
    wide = "HUGEINT" if is_summed else "BIGINT"
    told = connection.execute("SELECT count(for_an_hour) FROM usage").fetchone()
    hour = FOR_AN_HOUR.format(int=wide) if told and told[0] else ""
    return COST.format(int=wide, hour=hour), JOIN.format(length=length, hours=hours)
