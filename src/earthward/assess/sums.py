"""From the table of usage to an assessment: one pass for all sums with their cost, few more for the rest."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import duckdb

from earthward.assess.normal import literal
from earthward.assess.price import make_rates, priced
from earthward.assess.read import Reading
from earthward.assess.result import Assessment, Eligible, Line, Peak, Percentiles, Work
from earthward.cost.price_book import Override

MONTH_SECONDS = Decimal(730 * 3600)
LEAST_SECONDS = Decimal(3600)
DAY_SECONDS = 86_400

OTHER_KINDS = (
    ("an embedding: those of two models are never mixed", "embed"),
    ("speech or sound", "whisper|tts|audio|speech|transcribe|realtime"),
    ("pictures or video made", "dall-?e|image|imagen|sora|veo"),
    ("moderation or ranking", "moderation|rerank"),
)
"""Why a model's work is not for a local chat model, by what its name has in it."""

LINE = """coalesce(sum(requests), 0)::BIGINT, coalesce(sum(input), 0)::HUGEINT, coalesce(sum(cached), 0)::HUGEINT,
    coalesce(sum(output), 0)::HUGEINT, CASE WHEN sum(unpriced) < sum(rows) THEN coalesce(sum(cost), 0)::HUGEINT END,
    sum(unpriced)::BIGINT"""


def assessment(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Reading],
    *,
    overrides: Sequence[Override] = (),
    context: int = 32_768,
    keep: Sequence[str] = (),
    rates: dict[str, Decimal] | None = None,
) -> Assessment:
    """`context` is what the local model has room for, `keep` are globs of models that are to stay in the cloud, `rates`
    the dollars of one unit of other currencies."""
    duplicates = _drop_duplicates(connection)
    is_summed = any(it.is_summed for it in files)
    make_rates(connection, overrides)
    _sum(connection, is_summed=is_summed, context=context, keep=keep)
    first, last, odd = _one(
        connection,
        "SELECT min(ts), max(ts), count(*) FILTER (WHERE coalesce(cached, 0) + coalesce(cache_written, 0) > input) "
        "FROM usage",
    )
    total = _lines(connection, "'all'")[0]
    billed, unknown_currencies = _billed(connection, rates or {})
    peak = _peak(connection, is_summed=is_summed)
    return Assessment(
        files=tuple(files),
        first=first and first.isoformat() + "Z",
        last=last and last.isoformat() + "Z",
        total=total,
        billed=billed,
        duplicates=duplicates,
        unknown_models=_unknown_models(connection),
        unknown_tokens=_one(connection, "SELECT count(*) FROM usage WHERE input IS NULL OR output IS NULL")[0],
        unknown_currencies=unknown_currencies,
        odd_cache=odd,
        by_model=_lines(connection, "model"),
        by_app=_lines(connection, "coalesce(app, '(none)')"),
        by_task=_lines(connection, "coalesce(task, '(none)')"),
        by_day=_lines(connection, "strftime(hour, '%Y-%m-%d')", by_name=True),
        by_hour=_lines(connection, "strftime(hour, '%Y-%m-%dT%H:00Z')", by_name=True),
        by_hour_of_day=_lines(connection, "strftime(hour, '%H')", by_name=True),
        prompt=_percentiles(connection, "input"),
        answer=_percentiles(connection, "output"),
        peak=peak,
        eligible=_eligible(connection),
        work=_work(total, _seconds(connection, is_summed=is_summed), peak),
    )


CONCURRENCY = """
WITH minutes AS (
    SELECT epoch(ts)::BIGINT // 60 AS minute, sum(duration) AS busy FROM usage WHERE duration IS NOT NULL
    GROUP BY 1 ORDER BY busy DESC LIMIT 200
), looked_at AS (SELECT DISTINCT minute - behind AS minute FROM minutes, range(11) AS before(behind)),
chosen AS (
    SELECT epoch(ts)::BIGINT AS second, (epoch_ms(ts) + duration) // 1000 + 1 AS finish FROM usage
    WHERE duration IS NOT NULL AND epoch(ts)::BIGINT // 60 IN (SELECT minute FROM looked_at)
), seconds AS (
    SELECT second, sum(move) AS move FROM (
        SELECT second, 1 AS move FROM chosen UNION ALL SELECT finish, -1 FROM chosen
    ) GROUP BY second
)
SELECT max(under_way) FROM (SELECT sum(move) OVER (ORDER BY second) AS under_way FROM seconds)
"""
"""Requests under way in the busiest second. Looks at the 200 minutes that most work began in, and at ten minutes before
each: to follow every second of a month takes as long as all else together."""


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return tuple(row)


def _drop_duplicates(connection: duckdb.DuckDBPyConnection) -> int:
    """Rows with an id that came before, in the same file or another. Rows without ids can't be told apart."""
    known, different = _one(connection, "SELECT count(id), count(DISTINCT id) FROM usage")
    if known == different:
        return 0
    connection.execute(
        "DELETE FROM usage WHERE id IS NOT NULL AND rowid NOT IN "
        "(SELECT min(rowid) FROM usage WHERE id IS NOT NULL GROUP BY id)"
    )
    return int(known - different)


def _sum(connection: duckdb.DuckDBPyConnection, *, is_summed: bool, context: int, keep: Sequence[str]) -> None:
    """The table of sums by hour that all tables are made of."""
    _name_reasons(connection, keep)
    cost, joined = priced(connection, is_summed=is_summed)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE sums AS
        SELECT model, app, task, hour, reason, sum(requests) AS requests, sum(input) AS input, sum(cached) AS cached,
            sum(output) AS output, sum(cost) AS cost, count(*) FILTER (WHERE cost IS NULL) AS unpriced,
            count(*) AS rows, any_value(is_listed) AS is_listed
        FROM (
            SELECT u.model, u.app, u.task, date_trunc('hour', u.ts) AS hour, {_reason(context)} AS reason,
                u.requests, u.input, u.cached, u.output, {cost} AS cost, r.model IS NOT NULL AS is_listed
            {joined}
        ) GROUP BY ALL
    """)


def _reason(context: int) -> str:
    """Why a row is not for a local model, or NULL."""
    return f"""CASE WHEN u.needs IS NOT NULL THEN 'needs ' || u.needs WHEN m.reason IS NOT NULL THEN m.reason
        WHEN u.requests > 0 AND u.input + coalesce(u.output, 0) > {int(context)}::BIGINT * u.requests
        THEN 'longer than {int(context):,} tokens' END"""


def _name_reasons(connection: duckdb.DuckDBPyConnection, keep: Sequence[str]) -> None:
    """Why a model's work is not for a local one, as far as its name tells: asked once for each model, not each row."""
    kept = " ".join(f"WHEN model GLOB {literal(glob)} THEN 'to be kept in the cloud, as you said'" for glob in keep)
    kinds = " ".join(
        f"WHEN regexp_matches(model, {literal('(?i)' + pattern)}) THEN {literal(reason)}"
        for reason, pattern in OTHER_KINDS
    )
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE model_reasons AS
        SELECT model, CASE {kept} {kinds} END AS reason FROM (SELECT DISTINCT model FROM usage)
    """)


def _lines(connection: duckdb.DuckDBPyConnection, name: str, *, by_name: bool = False) -> tuple[Line, ...]:
    order = "1" if by_name else "6 DESC NULLS LAST, 2 DESC, 1"
    rows = connection.execute(f"SELECT {name}, {LINE} FROM sums GROUP BY 1 ORDER BY {order}").fetchall()
    return tuple(Line(*row) for row in rows) or (Line("all", 0, 0, 0, 0, 0, 0),)


def _billed(
    connection: duckdb.DuckDBPyConnection, rates: dict[str, Decimal]
) -> tuple[dict[str, Decimal], dict[str, int]]:
    """What vendors asked for: by currency, and in dollars where a rate is known; rows whose currency has none."""
    rows = connection.execute(
        "SELECT coalesce(currency, 'unknown'), sum(billed), count(*) FROM usage WHERE billed IS NOT NULL "
        "GROUP BY 1 ORDER BY 1"
    ).fetchall()
    amounts = {currency: amount for currency, amount, _ in rows}
    known = {"usd": Decimal(1), **rates}
    in_dollars = [amount * known[currency] for currency, amount in amounts.items() if currency in known]
    if in_dollars:
        amounts["all in usd"] = sum(in_dollars, Decimal(0))
    return amounts, {currency: count for currency, _, count in rows if currency not in known}


def _unknown_models(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    query = (
        "SELECT model, sum(rows)::BIGINT FROM sums WHERE model NOT IN (SELECT model FROM rates) "
        "GROUP BY 1 ORDER BY 2 DESC LIMIT 100"
    )
    return dict(connection.execute(query).fetchall())


PERCENTILES = """
SELECT min(tokens) FILTER (up_to >= 0.5 * all_rows), min(tokens) FILTER (up_to >= 0.9 * all_rows),
    min(tokens) FILTER (up_to >= 0.99 * all_rows), max(tokens)
FROM (
    SELECT tokens, sum(rows) OVER (ORDER BY tokens) AS up_to, sum(rows) OVER () AS all_rows FROM (
        SELECT {column} AS tokens, count(*) AS rows FROM usage WHERE requests = 1 AND {column} IS NOT NULL GROUP BY 1
    )
)
"""
"""Of few different lengths that many rows have, each counted once: a fifth of the work of sorting all of them."""


def _percentiles(connection: duckdb.DuckDBPyConnection, column: str) -> Percentiles | None:
    """Of rows that are single requests, exactly."""
    found = _one(connection, PERCENTILES.format(column=column))
    return None if found[0] is None else Percentiles(*found)


def _peak(connection: duckdb.DuckDBPyConnection, *, is_summed: bool) -> Peak:
    if is_summed:
        return Peak()
    requests, into, out = _one(
        connection,
        "SELECT max(r), max(i), max(o) FROM (SELECT sum(requests) AS r, sum(input) AS i, sum(output) AS o "
        "FROM usage GROUP BY date_trunc('minute', ts))",
    )
    (concurrency,) = _one(connection, CONCURRENCY)
    requests, into, out = (None if it is None else round(float(it) / 60, 3) for it in (requests, into, out))
    return Peak(requests, into, out, None if concurrency is None else int(concurrency))


def _eligible(connection: duckdb.DuckDBPyConnection) -> Eligible | None:
    # Where requests are not counted, rows stand in for them.
    counted = "sum(greatest(coalesce(requests, 0), rows))"
    rows = connection.execute(
        f"SELECT reason, {counted}::BIGINT, coalesce(sum(input), 0) + coalesce(sum(output), 0), coalesce(sum(cost), 0) "
        "FROM sums GROUP BY 1 ORDER BY 2 DESC"
    ).fetchall()
    requests, tokens, cost = (sum(row[place] for row in rows) for place in (1, 2, 3))
    if not requests:
        return None
    fit = next((row for row in rows if row[0] is None), (None, 0, 0, 0))
    return Eligible(
        requests=fit[1] / requests,
        tokens=float(fit[2] / tokens) if tokens else 0.0,
        cost=float(fit[3] / cost) if cost else None,
        rest={reason: count for reason, count, *_ in rows if reason is not None},
    )


def _seconds(connection: duckdb.DuckDBPyConnection, *, is_summed: bool) -> Decimal:
    """How long the usage went on. A row that stands for many requests begins a span as long as the shortest step to
    the next, and a day where there is none; a day at most."""
    first, last = _one(connection, "SELECT epoch(min(ts)), epoch(max(ts)) FROM usage")
    if first is None:
        return Decimal(0)
    step: float = 0
    if is_summed:
        times = "SELECT DISTINCT epoch(ts) AS moment FROM usage"
        (found,) = _one(
            connection,
            f"SELECT min(step) FROM (SELECT moment - lag(moment) OVER (ORDER BY moment) AS step FROM ({times}))",
        )
        step = DAY_SECONDS if found is None else min(found, DAY_SECONDS)
    return max(Decimal(last - first + step), LEAST_SECONDS)


def _work(total: Line, seconds: Decimal, peak: Peak) -> Work | None:
    if not total.requests or not seconds:
        return None
    a_second = total.requests / seconds
    busiest = peak.requests_per_second
    return Work(
        requests_a_month=round(a_second * MONTH_SECONDS),
        input_tokens=round(Decimal(total.input) / total.requests, 2),
        output_tokens=round(Decimal(total.output) / total.requests, 2),
        cached_share=round(Decimal(total.cached) / total.input, 4) if total.input else Decimal(0),
        peak_factor=None if busiest is None else round(Decimal(busiest) / a_second, 2),
    )
