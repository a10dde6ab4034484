"""Sums of money by minute, hour and day; how far exchanges are booked; which alerts were told."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TEXTS = ("purpose", "route", "arm", "stage", "zone", "target", "requested_model", "app", "team", "data_class")
SUMS = (
    *("requests", "errors", "input_tokens", "output_tokens", "cached_tokens", "characters_in", "characters_out"),
    *("cost", "unknown_costs", "own_cost", "unknown_own", "counterfactual", "saved", "displaced", "unknown_saved"),
    *("estimated", "busy", "millijoules"),
)


def upgrade() -> None:
    op.create_table(
        "money_sums",
        sa.Column("grain", sa.SmallInteger, nullable=False),
        sa.Column("start", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in TEXTS),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in SUMS),
        sa.UniqueConstraint("grain", "start", *TEXTS, name="money_sums_key"),
    )
    op.create_table(
        "booked", sa.Column("name", sa.Text, primary_key=True), sa.Column("number", sa.BigInteger, nullable=False)
    )
    op.create_table(
        "alerts_told",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("told_at", sa.BigInteger, nullable=False),
    )
