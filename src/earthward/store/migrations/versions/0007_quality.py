"""Samples and comments, sealed; how answers compare; feedback; what rollouts are told later."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "samples",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("accepted_at", sa.BigInteger, nullable=False),
        *_sealed(),
    )
    op.create_index("samples_by_route", "samples", ["route", "accepted_at"])
    op.create_index("samples_by_expiry", "samples", ["expires_at"])
    op.create_table("comments", sa.Column("id", sa.Text, primary_key=True), *_sealed())
    op.create_index("comments_by_expiry", "comments", ["expires_at"])
    op.create_table(
        "pairs",
        _number(),
        sa.Column("exchange", sa.Text, nullable=False, unique=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("route", "task")),
        sa.Column("accepted_at", sa.BigInteger, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("stage", "epoch")),
        sa.Column("judge", sa.Text, nullable=False),
        sa.Column("score", sa.Float),
        sa.Column("decided_by", sa.Text, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("baseline_length", "candidate_length")),
        *(sa.Column(name, sa.BigInteger) for name in ("baseline_ttft", "candidate_ttft")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("baseline_bad", "candidate_bad")),
    )
    op.create_index("pairs_by_route", "pairs", ["route", "number"])
    op.create_table(
        "feedback",
        sa.Column("exchange", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("route", "task", "arm", "unit")),
        sa.Column("given_at", sa.BigInteger, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
    )
    op.create_table(
        "later_events",
        _number(),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("route", "judge", "event")),
    )
    op.create_index("later_events_by_route", "later_events", ["route", "number"])


def _number() -> sa.Column[int]:
    return sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


def _sealed() -> tuple[sa.Column[bytes], sa.Column[int]]:
    sealed = sa.Column("sealed", sa.LargeBinary, nullable=False)
    return sealed, sa.Column("expires_at", sa.BigInteger, nullable=False)
