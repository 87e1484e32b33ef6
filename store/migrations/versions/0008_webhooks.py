"""Addresses of other software that is told what happens here.

Reason: who kept a copy of who is enrolled had to ask again and again, and learnt of an erasure
late.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("delivered_to", _Id, nullable=False),
        sa.Column("failed", _Id, nullable=False),
        sa.Column("failing_since", sa.Text(), nullable=True),
        sa.Column("next_at", sa.Text(), nullable=False),
        sa.Column("paused_at", sa.Text(), nullable=True),
        sa.Column("leased_by", sa.Text(), nullable=False),
        sa.Column("leased_until", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("name", name=op.f("uq_webhooks_name")),
        sqlite_strict=True,
    )
