"""The first schema.

Reason: everything that the design names is there from the first day, so that a gallery made now
needs no move when the night, the accounts and the audit arrive.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", Id, autoincrement=False, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("prev", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
        sqlite_strict=True,
    )
    op.create_table(
        "erasures",
        sa.Column("subject_mac", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('erased', 'confirmed')", name=op.f("ck_erasures_state")),
        sa.PrimaryKeyConstraint("subject_mac", name=op.f("pk_erasures")),
        sqlite_strict=True,
    )
    op.create_table(
        "gallery",
        sa.Column("one", Id, autoincrement=False, nullable=False),
        sa.Column("gallery_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("backbone", sa.Text(), nullable=False),
        sa.Column("backbone_reason", sa.Text(), nullable=False),
        sa.Column("detector", sa.Text(), nullable=False),
        sa.Column("dimension", Id, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("golden", sa.LargeBinary(), nullable=False),
        sa.Column("consent_policy", sa.Text(), nullable=False),
        sa.Column("max_fpir", sa.REAL(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("generation", Id, nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("ck_gallery_single_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_gallery")),
        sqlite_strict=True,
    )
    op.create_table(
        "heads",
        sa.Column("head_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("generation", Id, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('champion', 'challenger', 'retired', 'refused')", name=op.f("ck_heads_state")
        ),
        sa.PrimaryKeyConstraint("head_id", name=op.f("pk_heads")),
        sqlite_strict=True,
    )
    op.create_table(
        "jobs",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("utc_day", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job", "utc_day", name=op.f("pk_jobs")),
        sqlite_strict=True,
    )
    op.create_table(
        "operating_points",
        sa.Column("operating_point_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("generation", Id, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("max_fpir", sa.REAL(), nullable=False),
        sa.Column("threshold", sa.REAL(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("operating_point_id", name=op.f("pk_operating_points")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_operating_points_generation"), "operating_points", ["generation"], unique=False
    )
    op.create_table(
        "subjects",
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("merged_into", sa.Text(), nullable=True),
        sa.Column("enrolled_at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(state = 'merged') = (merged_into IS NOT NULL)", name=op.f("ck_subjects_merged")
        ),
        sa.CheckConstraint(
            "state IN ('active', 'suspended', 'merged')", name=op.f("ck_subjects_state")
        ),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["subjects.subject_id"], name=op.f("fk_subjects_merged_into_subjects")
        ),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_subjects")),
        sa.UniqueConstraint("external_id", name=op.f("uq_subjects_external_id")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_subjects_name_key"), "subjects", ["name_key"], unique=False)
    op.create_table(
        "consents",
        sa.Column("consent_id", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("given_at", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.Text(), nullable=True),
        sa.CheckConstraint("basis IN ('consent', 'policy-none')", name=op.f("ck_consents_basis")),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.subject_id"], name=op.f("fk_consents_subject_id_subjects")
        ),
        sa.PrimaryKeyConstraint("consent_id", name=op.f("pk_consents")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_consents_subject_id"), "consents", ["subject_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.subject_id"], name=op.f("fk_events_subject_id_subjects")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_events")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_events_at"), "events", ["at"], unique=False)
    op.create_index(op.f("ix_events_subject_id"), "events", ["subject_id"], unique=False)
    op.create_table(
        "subject_keys",
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["subjects.subject_id"],
            name=op.f("fk_subject_keys_subject_id_subjects"),
        ),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_subject_keys")),
        sqlite_strict=True,
    )
    op.create_table(
        "samples",
        sa.Column("sample_id", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("consent_id", sa.Text(), nullable=False),
        sa.Column("content_mac", sa.LargeBinary(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.Column("captured_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consent_id"], ["consents.consent_id"], name=op.f("fk_samples_consent_id_consents")
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.subject_id"], name=op.f("fk_samples_subject_id_subjects")
        ),
        sa.PrimaryKeyConstraint("sample_id", name=op.f("pk_samples")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_samples_content_mac"), "samples", ["content_mac"], unique=False)
    op.create_index(op.f("ix_samples_subject_id"), "samples", ["subject_id"], unique=False)
    op.create_table(
        "templates",
        sa.Column("template_id", Id, autoincrement=False, nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("sample_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sample_id"], ["samples.sample_id"], name=op.f("fk_templates_sample_id_samples")
        ),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subjects.subject_id"], name=op.f("fk_templates_subject_id_subjects")
        ),
        sa.PrimaryKeyConstraint("template_id", name=op.f("pk_templates")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_templates_subject_id"), "templates", ["subject_id"], unique=False)
