"""Indexes on the columns that point at rows which an erasure deletes.

Reason: without them the database reads every template for each photo that goes, to see that none
points at it: at a million templates an erasure took minutes.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, column in (
        ("subjects", "merged_into"),
        ("samples", "consent_id"),
        ("templates", "sample_id"),
    ):
        op.create_index(f"ix_{table}_{column}", table, [column])
