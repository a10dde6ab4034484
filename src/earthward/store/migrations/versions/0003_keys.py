"""What class of data a caller's key stands for, and whether its caller may ask how a request was decided."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # The defaults are what keys meant until now.
    op.add_column("keys", sa.Column("data_class", sa.Text, nullable=False, server_default=""))
    op.add_column("keys", sa.Column("may_explain", sa.SmallInteger, nullable=False, server_default="0"))
