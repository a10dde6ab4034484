"""How many exchanges of each hour were answered well, but not by the target that was tried first."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

HOUR = 3_600_000_000_000
WHO = ("route", "arm", "target", "requested_model", "key", "app", "team", "status")


def texts(*names: str) -> list[sa.ColumnClause[str]]:
    return [sa.column(name, sa.Text) for name in names]


def numbers(*names: str) -> list[sa.ColumnClause[int]]:
    return [sa.column(name, sa.BigInteger) for name in names]


exchanges = sa.table("exchanges", *numbers("accepted_at"), *texts("attempts", *WHO))
exchange_hours = sa.table("exchange_hours", *numbers("hour", "rescued"), *texts(*WHO))


def upgrade() -> None:
    # The default is for workers of the version before, which may still take in what was spooled.
    op.add_column("exchange_hours", sa.Column("rescued", sa.BigInteger, nullable=False, server_default="0"))
    connection = op.get_bind()
    for row in connection.execute(rescued()).all():
        this = (exchange_hours.c.hour == row.hour, *(exchange_hours.c[name] == getattr(row, name) for name in WHO))
        connection.execute(sa.update(exchange_hours).where(*this).values(rescued=row.rescued))


def rescued() -> sa.Select[tuple[object, ...]]:
    """What the rows that are there sum up to. Names of targets need no escapes in JSON."""
    this = exchanges.c
    hour = (this.accepted_at // HOUR).label("hour")
    begins = sa.literal('[["') + this.target + sa.literal('",')
    tried_first = sa.func.substr(this.attempts, 1, sa.func.length(begins))
    where = (this.status == "ok", this.attempts != "[]", tried_first != begins)
    who = [this[name] for name in WHO]
    # By its name: PostgreSQL doesn't see that two divisions by a parameter are the same.
    return sa.select(hour, *who, sa.func.count().label("rescued")).where(*where).group_by("hour", *who)
