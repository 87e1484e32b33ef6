"""The one schema, for SQLite and PostgreSQL alike.

SQLite tables are STRICT, which knows only INTEGER, REAL, TEXT and BLOB; so times are ISO 8601
texts in UTC and structured values are JSON texts. What identifies a face (template vectors, sample
images) is ciphertext from `vault`; labels are not.
"""

import sqlalchemy as sa

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _table(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(name, metadata, *columns, sqlite_strict=True)


def _pipeline() -> tuple[sa.schema.SchemaItem, ...]:
    """Which detector and backbone the templates are of."""
    return (
        sa.Column("backbone", sa.Text, nullable=False),
        sa.Column("backbone_reason", sa.Text, nullable=False),
        sa.Column("detector", sa.Text, nullable=False),
        sa.Column("dimension", Id, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("golden", sa.LargeBinary, nullable=False),
    )


gallery = _table(
    "gallery",
    sa.Column("one", Id, primary_key=True, autoincrement=False),
    sa.Column("gallery_id", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    *_pipeline(),
    sa.Column("consent_policy", sa.Text, nullable=False),
    sa.Column("max_fpir", sa.REAL, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("generation", Id, nullable=False),
    # Sealed by the master key, see `store/inner_keys.py`; not there: derived from it.
    sa.Column("inner_keys", sa.LargeBinary),
    sa.CheckConstraint("one = 1", name="single_row"),
)

subjects = _table(
    "subjects",
    sa.Column("subject_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_key", sa.Text, nullable=False, index=True),
    sa.Column("external_id", sa.Text, unique=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("merged_into", sa.Text, sa.ForeignKey("subjects.subject_id"), index=True),
    sa.Column("enrolled_at", sa.Text, nullable=False),
    sa.CheckConstraint("state IN ('active', 'suspended', 'merged')", name="state"),
    sa.CheckConstraint("(state = 'merged') = (merged_into IS NOT NULL)", name="merged"),
)

subject_keys = _table(
    "subject_keys",
    sa.Column("subject_id", sa.Text, sa.ForeignKey("subjects.subject_id"), primary_key=True),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    # Over everything that is kept of the subject, see `store/seal.py`.
    sa.Column("seal", sa.LargeBinary),
)

consents = _table(
    "consents",
    sa.Column("consent_id", sa.Text, primary_key=True),
    sa.Column(
        "subject_id", sa.Text, sa.ForeignKey("subjects.subject_id"), nullable=False, index=True
    ),
    sa.Column("basis", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("given_at", sa.Text, nullable=False),
    sa.Column("withdrawn_at", sa.Text),
    # Which wording, by a digest of it: `store.consent.version_of`.
    sa.Column("version", sa.Text, nullable=False, server_default=""),
    sa.Column("expires_at", sa.Text),
    sa.CheckConstraint("basis IN ('consent', 'policy-none')", name="basis"),
)

samples = _table(
    "samples",
    sa.Column("sample_id", sa.Text, primary_key=True),
    sa.Column(
        "subject_id", sa.Text, sa.ForeignKey("subjects.subject_id"), nullable=False, index=True
    ),
    sa.Column(
        "consent_id", sa.Text, sa.ForeignKey("consents.consent_id"), nullable=False, index=True
    ),
    sa.Column("content_mac", sa.LargeBinary, nullable=False, index=True),
    sa.Column("image", sa.LargeBinary, nullable=False),
    sa.Column("details", sa.LargeBinary, nullable=False),
    sa.Column("captured_at", sa.Text, nullable=False),
)

templates = _table(
    "templates",
    sa.Column("template_id", Id, primary_key=True, autoincrement=False),
    sa.Column(
        "subject_id", sa.Text, sa.ForeignKey("subjects.subject_id"), nullable=False, index=True
    ),
    sa.Column("sample_id", sa.Text, sa.ForeignKey("samples.sample_id"), nullable=False, index=True),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),
)

# Another backbone's templates, beside those that serve: what is being made before the gallery moves
# to it, and after the move what it had before, for the way back. `vector` is not there where no
# face was found again in the kept photo.
shadow_templates = _table(
    "shadow_templates",
    sa.Column("template_id", Id, primary_key=True, autoincrement=False),
    sa.Column(
        "subject_id", sa.Text, sa.ForeignKey("subjects.subject_id"), nullable=False, index=True
    ),
    sa.Column(
        "sample_id", sa.Text, sa.ForeignKey("samples.sample_id"), nullable=False, unique=True
    ),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("vector", sa.LargeBinary),
)

# What that other backbone is; the other columns are as the gallery's own.
shadow = _table(
    "shadow",
    sa.Column("one", Id, primary_key=True, autoincrement=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("since", sa.Text, nullable=False),
    *_pipeline(),
    sa.CheckConstraint("one = 1", name="single_row"),
    sa.CheckConstraint("state IN ('building', 'kept')", name="state"),
)

heads = _table(
    "heads",
    sa.Column("head_id", sa.Text, primary_key=True),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("generation", Id, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.CheckConstraint("state IN ('champion', 'challenger', 'retired', 'refused')", name="state"),
)

operating_points = _table(
    "operating_points",
    sa.Column("operating_point_id", sa.Text, primary_key=True),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("generation", Id, nullable=False, index=True),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("max_fpir", sa.REAL, nullable=False),
    sa.Column("threshold", sa.REAL, nullable=False),
    sa.Column("details", sa.Text, nullable=False),
)

events = _table(
    "events",
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("at", sa.Text, nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject_id", sa.Text, sa.ForeignKey("subjects.subject_id"), index=True),
    sa.Column("details", sa.Text, nullable=False),
)

jobs = _table(
    "jobs",
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("utc_day", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("finished_at", sa.Text),
    sa.Column("details", sa.Text, nullable=False),
)

audit = _table(
    "audit",
    sa.Column("seq", Id, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False, index=True),
    sa.Column("object", sa.Text, nullable=False, index=True),
    sa.Column("details", sa.Text, nullable=False),
    sa.Column("prev", sa.LargeBinary, nullable=False),
    sa.Column("mac", sa.LargeBinary, nullable=False),
)

# Keyed digests: of each table of policy, of all subjects together, and of all of these and the end
# of the audit trail. `columns` says what was sealed, so that a later version can seal more.
seals = _table(
    "seals",
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("columns", sa.Text, nullable=False),
    sa.Column("seal", sa.LargeBinary, nullable=False),
)

# Faces that nobody has decided on, and faces that somebody said no to. They belong to no subject's
# key; `nearest` and `rival` name the people they look like, so that erasing one takes them along.
sightings = _table(
    "sightings",
    sa.Column("sighting_id", sa.Text, primary_key=True),
    sa.Column("at", sa.Text, nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("nearest_subject_id", sa.Text, sa.ForeignKey("subjects.subject_id"), index=True),
    sa.Column("rival_subject_id", sa.Text, sa.ForeignKey("subjects.subject_id"), index=True),
    sa.Column("content_mac", sa.LargeBinary, nullable=False, index=True),
    sa.Column("image", sa.LargeBinary, nullable=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),
    sa.Column("details", sa.LargeBinary, nullable=False),
    sa.CheckConstraint("kind IN ('unknown', 'near_miss', 'disagreement', 'named')", name="kind"),
)

negatives = _table(
    "negatives",
    sa.Column("negative_id", sa.Text, primary_key=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("subject_id", sa.Text, sa.ForeignKey("subjects.subject_id"), index=True),
    sa.Column("nearest_subject_id", sa.Text, sa.ForeignKey("subjects.subject_id"), index=True),
    sa.Column("rival_subject_id", sa.Text, sa.ForeignKey("subjects.subject_id"), index=True),
    sa.Column("vector", sa.LargeBinary, nullable=False),
    sa.Column("details", sa.LargeBinary, nullable=False),
)

# The strangers that confidence is measured against; only the newest counts, the others are gone.
cohorts = _table(
    "cohorts",
    sa.Column("cohort_id", sa.Text, primary_key=True),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("details", sa.Text, nullable=False),
    sa.Column("vectors", sa.LargeBinary, nullable=False),
)

# What people ask for about their data. A request goes with the person; the audit trail keeps that
# there was one, under a pseudonym.
requests = _table(
    "requests",
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column(
        "subject_id", sa.Text, sa.ForeignKey("subjects.subject_id"), nullable=False, index=True
    ),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("requested_at", sa.Text, nullable=False),
    sa.Column("due_at", sa.Text, nullable=False, index=True),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("done_at", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.Column("answer", sa.Text, nullable=False),
    sa.CheckConstraint("kind IN ('erasure', 'export')", name="kind"),
    sa.CheckConstraint("outcome IN ('done', 'refused')", name="outcome"),
    sa.CheckConstraint("(done_at IS NULL) = (outcome IS NULL)", name="answered"),
)

erasures = _table(
    "erasures",
    sa.Column("subject_mac", sa.Text, primary_key=True),
    sa.Column("erased_at", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.CheckConstraint("state IN ('erased', 'confirmed')", name="state"),
)

# Keys of other software. `digest` is keyed, see `store/api_key.py`.
api_keys = _table(
    "api_keys",
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("daily", Id, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text, nullable=False),
    sa.Column("revoked_at", sa.Text),
)

# How often a key has asked who somebody is: `day` and `asked` for its budget, `failed` in a row and
# `last_at` for the back-off. One row a key, so that a restart forgets nothing.
key_use = _table(
    "key_use",
    sa.Column("key_id", sa.Text, sa.ForeignKey("api_keys.key_id"), primary_key=True),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("asked", Id, nullable=False),
    sa.Column("failed", Id, nullable=False),
    sa.Column("last_at", sa.Text, nullable=False),
)

# What a request with an idempotency key was answered, for a day. Every erasure empties it, because
# an answer may name anybody.
answers = _table(
    "answers",
    sa.Column("key_id", sa.Text, sa.ForeignKey("api_keys.key_id"), primary_key=True),
    sa.Column("idempotency_key", sa.Text, primary_key=True),
    sa.Column("request_digest", sa.Text, nullable=False),
    sa.Column("status", Id, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False, index=True),
)

# People who sign in. `login` as it compares: case-folded. `password` is an argon2id encoding, not
# there for those whom another provider signs in (`issuer` and `external`); `one_time` says that it
# must be changed first. `totp` is sealed. `failed` in a row and `failed_at` are for the back-off.
users = _table(
    "users",
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("login", sa.Text, nullable=False, unique=True),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("password", sa.Text),
    sa.Column("one_time", Id, nullable=False),
    sa.Column("totp", sa.LargeBinary),
    sa.Column("totp_step", Id, nullable=False),
    sa.Column("issuer", sa.Text),
    sa.Column("external", sa.Text),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("disabled_at", sa.Text),
    sa.Column("failed", Id, nullable=False),
    sa.Column("failed_at", sa.Text, nullable=False),
    sa.UniqueConstraint("issuer", "external"),
    sa.CheckConstraint("(issuer IS NULL) = (external IS NULL)", name="provider"),
)

# Who is signed in. `digest` is keyed, as an API key's. `confirmed_at`: when the person last proved
# who they are.
sessions = _table(
    "sessions",
    sa.Column("session_id", sa.Text, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("user_id", sa.Text, sa.ForeignKey("users.user_id"), nullable=False, index=True),
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("seen_at", sa.Text, nullable=False),
    sa.Column("confirmed_at", sa.Text, nullable=False),
    sa.Column("ended_at", sa.Text),
)

# Other software that is told what happens. `secret` is sealed. Deliveries are derived from the
# audit trail: `delivered_to` is the last row that was taken. It and what follows count outside
# policy: `failed` in a row since `failing_since`, tried again at `next_at`; one server at a time.
webhooks = _table(
    "webhooks",
    sa.Column("webhook_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("events", sa.Text, nullable=False),
    sa.Column("secret", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("delivered_to", Id, nullable=False),
    sa.Column("failed", Id, nullable=False),
    sa.Column("failing_since", sa.Text),
    sa.Column("next_at", sa.Text, nullable=False),
    sa.Column("paused_at", sa.Text),
    sa.Column("leased_by", sa.Text, nullable=False),
    sa.Column("leased_until", sa.Text, nullable=False),
)
