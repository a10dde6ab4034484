"""The first tables: exchanges, their sums by the hour, how far spools are taken in, callers' keys."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def big(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def upgrade() -> None:
    exchanges()
    sums()
    op.create_table(
        "intake",
        sa.Column("replica", sa.Text, primary_key=True),
        sa.Column("boot", sa.Text, primary_key=True),
        big("seq"),
        whole("segment"),
        big("offset"),
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        *map(text, ("name", "app", "team", "routes")),
        big("created_at"),
        big("expires_at", nullable=True),
        big("revoked_at", nullable=True),
    )


def exchanges() -> None:
    counts = ("input_tokens", "output_tokens", "cached_tokens", "cache_written_tokens", "reasoning_tokens")
    op.create_table(
        "exchanges",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        big("accepted_at"),
        text("status"),
        big("queued"),
        big("first_content", nullable=True),
        big("duration"),
        *map(text, ("dialect", "path", "requested_model")),
        sa.Column("stream", sa.SmallInteger, nullable=False),
        *map(text, ("key", "app", "team", "task", "data_class", "unit", "route", "arm")),
        *map(whole, ("share", "stage", "epoch")),
        *map(text, ("snapshot", "target", "endpoint", "upstream_dialect", "model", "attempts")),
        whole("http_status"),
        *(sa.Column(name, sa.Text) for name in ("failure", "message", "finish_reason")),
        *(big(name, nullable=True) for name in counts),
        text("usage_sources"),
        big("characters_in"),
        big("characters_out"),
        big("cost", nullable=True),
        text("dropped"),
    )
    op.create_index("exchanges_by_time", "exchanges", ["accepted_at"])


def sums() -> None:
    who = ("route", "arm", "target", "requested_model", "key", "app", "team", "status")
    op.create_table(
        "exchange_hours",
        whole("hour"),
        *map(text, who),
        *map(big, ("requests", "errors")),
        *map(big, ("input_tokens", "output_tokens", "cached_tokens", "cache_written_tokens", "reasoning_tokens")),
        *map(big, ("unknown_tokens", "cost", "unknown_costs", "duration")),
        *map(big, ("first_contents", "first_content", "generated_tokens", "generation")),
        sa.UniqueConstraint("hour", *who, name="exchange_hours_key"),
    )
    op.create_table(
        "exchange_hour_ttfts",
        whole("hour"),
        *map(text, ("route", "arm", "target")),
        sa.Column("bucket", sa.SmallInteger, nullable=False),
        big("requests"),
        sa.UniqueConstraint("hour", "route", "arm", "target", "bucket", name="exchange_hour_ttfts_key"),
    )
    op.create_index("exchange_hour_ttfts_by_place", "exchange_hour_ttfts", ["arm", "target", "bucket", "requests"])
