"""A cohort of strangers for each gallery.

Reason: whether somebody is near says little while nobody knows how near strangers are; a cohort
that was made on site belongs to its gallery, sealed like everything that is made from faces.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cohorts",
        sa.Column("cohort_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("vectors", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("cohort_id", name=op.f("pk_cohorts")),
        sqlite_strict=True,
    )
