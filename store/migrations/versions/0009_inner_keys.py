"""The keys below the master key, in the gallery's row.

Reason: everything was derived from the master key, so one that had leaked could not be exchanged.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gallery", sa.Column("inner_keys", sa.LargeBinary(), nullable=True))
