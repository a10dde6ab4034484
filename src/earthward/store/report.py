"""The queries of a report, as text, so that a reader can run each again. They read sums only, never exchanges."""

from typing import Any

import msgspec
from sqlalchemy import Engine, text

QUERIES = {
    "days": """SELECT start, zone, purpose, sum(requests), sum(cost), sum(own_cost), sum(counterfactual), sum(saved),
       sum(errors)
FROM money_sums WHERE grain = 1440 AND start >= :first AND start < :end
GROUP BY start, zone, purpose ORDER BY start, zone, purpose""",
    "totals": """SELECT purpose, sum(requests), sum(cost), sum(own_cost), sum(saved), sum(displaced),
       sum(unknown_saved), sum(estimated), sum(unknown_costs)
FROM money_sums WHERE grain = 1440 AND start >= :first AND start < :end
GROUP BY purpose ORDER BY purpose""",
    "to_date": """SELECT sum(saved) FROM money_sums
WHERE grain = 1440 AND start < :end AND purpose IN ('serve', 'drill')""",
    "apps": """SELECT app, sum(CASE WHEN purpose = 'retry' THEN 0 ELSE requests END), sum(cost) + sum(own_cost),
       sum(saved)
FROM money_sums WHERE grain = 1440 AND start >= :first AND start < :end AND purpose IN ('serve', 'drill', 'retry')
GROUP BY app ORDER BY 4 DESC, 2 DESC""",
    "stages": """SELECT route, stage, min(start), max(start), sum(CASE WHEN arm = 'candidate' THEN 0 ELSE requests END),
       sum(CASE WHEN arm = 'candidate' THEN requests ELSE 0 END)
FROM money_sums WHERE grain = 1440 AND start >= :first AND start < :end AND purpose = 'serve' AND arm <> 'only'
GROUP BY route, stage ORDER BY route, min(start)""",
    "privacy": """SELECT data_class, sum(CASE WHEN zone = 'local' THEN 0 ELSE requests END),
       sum(CASE WHEN zone = 'local' THEN requests ELSE 0 END)
FROM money_sums WHERE grain = 1440 AND start >= :first AND start < :end AND target <> ''
GROUP BY data_class ORDER BY data_class""",
    "energy": """SELECT target, sum(millijoules)
FROM money_sums WHERE grain = 1440 AND start >= :first AND start < :end AND zone = 'local'
GROUP BY target ORDER BY target""",
    "errors": """SELECT arm, target, sum(requests), sum(errors), sum(rescued)
FROM exchange_hours WHERE hour >= :first / 60 AND hour < :end / 60
GROUP BY arm, target ORDER BY arm, target""",
    "first_content": """SELECT arm, target, bucket, sum(requests)
FROM exchange_hour_ttfts WHERE hour >= :first / 60 AND hour < :end / 60
GROUP BY arm, target, bucket ORDER BY arm, target, bucket""",
}
"""Minutes and hours count from 1970, UTC; money is nano-dollars."""


class Answer(msgspec.Struct, frozen=True):
    """`query` has its values filled in."""

    name: str
    query: str
    rows: list[tuple[Any, ...]]


def answers(engine: Engine, first: int, end: int) -> dict[str, Answer]:
    """Of all queries, over these minutes since 1970."""
    values = {"first": first, "end": end}
    with engine.connect() as connection:
        return {
            name: Answer(name, _filled(query, values), [tuple(row) for row in connection.execute(text(query), values)])
            for name, query in QUERIES.items()
        }


def _filled(query: str, values: dict[str, int]) -> str:
    for name, value in values.items():
        query = query.replace(f":{name}", str(value))
    return query


def bounds(engine: Engine) -> tuple[int, int] | None:
    """The first and the last booked day, in minutes since 1970; None if nothing is booked."""
    with engine.connect() as connection:
        row = connection.execute(text("SELECT min(start), max(start) FROM money_sums WHERE grain = 1440")).one()
    return None if row[0] is None else (int(row[0]), int(row[1]))
