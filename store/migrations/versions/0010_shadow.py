"""Another backbone's templates beside those that serve.

Reason: a gallery that was to have a better backbone had to be made anew, and everybody enrolled
once more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "shadow_templates",
        sa.Column("template_id", _Id, autoincrement=False, nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("sample_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["subjects.subject_id"],
            name=op.f("fk_shadow_templates_subject_id_subjects"),
        ),
        sa.ForeignKeyConstraint(
            ["sample_id"],
            ["samples.sample_id"],
            name=op.f("fk_shadow_templates_sample_id_samples"),
        ),
        sa.PrimaryKeyConstraint("template_id", name=op.f("pk_shadow_templates")),
        sa.UniqueConstraint("sample_id", name=op.f("uq_shadow_templates_sample_id")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_shadow_templates_subject_id"), "shadow_templates", ["subject_id"], unique=False
    )
    op.create_table(
        "shadow",
        sa.Column("one", _Id, autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("backbone", sa.Text(), nullable=False),
        sa.Column("backbone_reason", sa.Text(), nullable=False),
        sa.Column("detector", sa.Text(), nullable=False),
        sa.Column("dimension", _Id, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("golden", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("ck_shadow_single_row")),
        sa.CheckConstraint("state IN ('building', 'kept')", name=op.f("ck_shadow_state")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_shadow")),
        sqlite_strict=True,
    )
