"""Faces to review, and faces that were said no to.

Reason: "this is not Anna" has to count from now on, and nothing enters the gallery from a door
without a person's yes; both need a place of their own, apart from the people who are enrolled.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sightings",
        sa.Column("sighting_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("nearest_subject_id", sa.Text(), nullable=True),
        sa.Column("rival_subject_id", sa.Text(), nullable=True),
        sa.Column("content_mac", sa.LargeBinary(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('unknown', 'near_miss', 'disagreement', 'named')",
            name=op.f("ck_sightings_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["nearest_subject_id"],
            ["subjects.subject_id"],
            name=op.f("fk_sightings_nearest_subject_id_subjects"),
        ),
        sa.ForeignKeyConstraint(
            ["rival_subject_id"],
            ["subjects.subject_id"],
            name=op.f("fk_sightings_rival_subject_id_subjects"),
        ),
        sa.PrimaryKeyConstraint("sighting_id", name=op.f("pk_sightings")),
        sqlite_strict=True,
    )
    for column in ("at", "nearest_subject_id", "rival_subject_id", "content_mac"):
        op.create_index(op.f(f"ix_sightings_{column}"), "sightings", [column], unique=False)
    op.create_table(
        "negatives",
        sa.Column("negative_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=True),
        sa.Column("nearest_subject_id", sa.Text(), nullable=True),
        sa.Column("rival_subject_id", sa.Text(), nullable=True),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["subjects.subject_id"],
            name=op.f("fk_negatives_subject_id_subjects"),
        ),
        sa.ForeignKeyConstraint(
            ["nearest_subject_id"],
            ["subjects.subject_id"],
            name=op.f("fk_negatives_nearest_subject_id_subjects"),
        ),
        sa.ForeignKeyConstraint(
            ["rival_subject_id"],
            ["subjects.subject_id"],
            name=op.f("fk_negatives_rival_subject_id_subjects"),
        ),
        sa.PrimaryKeyConstraint("negative_id", name=op.f("pk_negatives")),
        sqlite_strict=True,
    )
    for column in ("subject_id", "nearest_subject_id", "rival_subject_id"):
        op.create_index(op.f(f"ix_negatives_{column}"), "negatives", [column], unique=False)
