"""Seals of people and of policy, so that rows that were changed outside Rollcall are seen.

Reason: the audit chain says what was done; nothing said that a row is still what was written.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "seals",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_seals")),
        sqlite_strict=True,
    )
    # Without a value: the first opening seals what is there, because a migration has no key.
    op.add_column("subject_keys", sa.Column("seal", sa.LargeBinary(), nullable=True))
