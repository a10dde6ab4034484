"""Limits of callers' keys, their places among the meters, and what a key was before it was rotated."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("keys", sa.Column("quota", sa.Text, nullable=False, server_default=""))
    op.add_column("keys", sa.Column("meter", sa.Integer))
    op.add_column("keys", sa.Column("old_digest", sa.LargeBinary))
    op.add_column("keys", sa.Column("old_until", sa.BigInteger))
    op.add_column("keys", sa.Column("changes", sa.Integer, nullable=False, server_default="0"))
    op.create_index("keys_by_meter", "keys", ["meter"], unique=True)
