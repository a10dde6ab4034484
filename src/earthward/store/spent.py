"""What keys, teams, applications and targets have spent in a time, by the ledger."""

from collections.abc import Collection, Sequence

from sqlalchemy import Engine, func, select

from earthward.store.tables import exchange_hours, exchanges

HOUR = 3600 * 10**9
FEW = 100
"""Names up to which the database is asked for these only."""

Place = tuple[str, str]


def spent_before(
    engine: Engine, places: Sequence[Place], start: int, end: int, targets: Collection[str]
) -> dict[Place, int]:
    """Nano-dollars by (scope, name), for exchanges that these targets served and that were accepted from `start`,
    which is a full hour, until `end`, both Unix nanoseconds. Who spent nothing may be left out."""
    found: dict[Place, int] = {}
    if end <= start or not targets:
        return found
    whole = end // HOUR
    for scope in sorted({scope for scope, _ in places}):
        names = [name for of, name in places if of == scope]
        hours = select(exchange_hours.c[scope], func.sum(exchange_hours.c.cost)).where(
            exchange_hours.c.hour >= start // HOUR, exchange_hours.c.hour < whole, exchange_hours.c.target.in_(targets)
        )
        rest = select(exchanges.c[scope], func.sum(exchanges.c.cost)).where(
            exchanges.c.accepted_at >= max(start, whole * HOUR),
            exchanges.c.accepted_at < end,
            exchanges.c.target.in_(targets),
        )
        if len(names) <= FEW:
            hours = hours.where(exchange_hours.c[scope].in_(names))
            rest = rest.where(exchanges.c[scope].in_(names))
        with engine.connect() as connection:
            for query, column in ((hours, exchange_hours.c[scope]), (rest, exchanges.c[scope])):
                for name, cost in connection.execute(query.group_by(column)):
                    found[scope, name] = found.get((scope, name), 0) + int(cost or 0)
    return found
