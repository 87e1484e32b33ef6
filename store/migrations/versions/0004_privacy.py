"""What people agreed to, until when, and what they ask for about their data.

Reason: a consent ends, a wording changes, and a request has a deadline in law; none of them can be
told from a text and a date alone. The audit trail is read by person and by action from now on.
"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_VERSION_DIGITS = 8


def upgrade() -> None:
    op.add_column("consents", sa.Column("version", sa.Text(), nullable=False, server_default=""))
    op.add_column("consents", sa.Column("expires_at", sa.Text(), nullable=True))
    _number_texts()
    op.create_table(
        "requests",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("done_at", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('erasure', 'export')", name=op.f("ck_requests_kind")),
        sa.CheckConstraint("outcome IN ('done', 'refused')", name=op.f("ck_requests_outcome")),
        sa.CheckConstraint(
            "(done_at IS NULL) = (outcome IS NULL)", name=op.f("ck_requests_answered")
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.subject_id"], name=op.f("fk_requests_subject_id_subjects")
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_requests")),
        sqlite_strict=True,
    )
    for column in ("subject_id", "due_at"):
        op.create_index(op.f(f"ix_requests_{column}"), "requests", [column], unique=False)
    for column in ("action", "object"):
        op.create_index(op.f(f"ix_audit_{column}"), "audit", [column], unique=False)


def _number_texts() -> None:
    consents = sa.table("consents", sa.column("text"), sa.column("version"))
    connection = op.get_bind()
    for text in connection.execute(sa.select(consents.c.text).distinct()).scalars().all():
        version = hashlib.sha256(text.encode()).hexdigest()[:_VERSION_DIGITS]
        connection.execute(
            sa.update(consents).where(consents.c.text == text).values(version=version)
        )
