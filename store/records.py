"""What the store hands out: plain values, no rows and no connections."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class GalleryFacts:
    """What a gallery was made with. Stamped once; nothing switches by itself."""

    gallery_id: str
    created_at: datetime
    backbone: str
    backbone_reason: str
    detector: str
    dimension: int
    fingerprint: str
    golden: NDArray[np.float32]  # (8, dimension): the golden images as this backbone saw them
    consent_policy: str  # "required" | "none"


@dataclass(frozen=True)
class Shadow:
    """Another backbone's templates beside those that serve.

    state: "building": the gallery may move there; "kept": it was there, and can go back.
    facts: the gallery's, with that backbone. templates: of these there are; faceless: kept photos
    in which no face was found again; missing: photos with a template that have none there yet.
    """

    state: str
    since: datetime
    facts: GalleryFacts
    templates: int
    faceless: int
    missing: int


@dataclass(frozen=True)
class ShadowTemplates:
    """Row i of `vectors` was made from the photo of the gallery's template `ids[i]`.

    owners: the active subjects that answer, row by row. without: templates of whom no face was
    found again, or which are not made yet, with their owners.
    """

    ids: tuple[int, ...]
    owners: tuple[str, ...]
    vectors: NDArray[np.float32]  # (n, dimension of the shadow)
    without: tuple[tuple[int, str], ...]
    generation: int


@dataclass(frozen=True)
class Subject:
    subject_id: str
    name: str
    external_id: str | None
    state: str  # "active" | "suspended" | "merged"
    merged_into: str | None
    enrolled_at: datetime
    templates: int  # with those of subjects merged into this one


@dataclass(frozen=True)
class Consent:
    consent_id: str
    basis: str  # "consent" | "policy-none"
    text: str
    given_at: datetime
    withdrawn_at: datetime | None
    version: str  # which wording: `store.consent.version_of` of the text
    expires_at: datetime | None  # None: until it is withdrawn

    def holds(self, at: datetime) -> bool:
        """Neither withdrawn nor expired then."""
        return self.withdrawn_at is None and (self.expires_at is None or self.expires_at > at)


@dataclass(frozen=True)
class ConsentText:
    """A wording, and how many people somebody who agreed to it is among."""

    version: str
    text: str
    people: int
    first_given_at: datetime


@dataclass(frozen=True)
class Looked:
    """Which people the rules of retention want to see.

    ending: whose consents end by then. quiet: whom nobody has dealt with since then; None: no rule
    is about that. everybody: everybody, whatever stands of them.
    """

    ending: datetime
    quiet: datetime | None = None
    everybody: bool = False


@dataclass(frozen=True)
class Standing:
    """What the rules of retention look at, of one person and everybody merged into them.

    consents: how many were ever given. withdrawn_at: of the last one that was taken back.
    ends_at: when the last of those that were not taken back ends; None where there is none, or it
        has no end (`unlimited`).
    suspended_at: since when nobody finds them; None where they can be found.
    requested, due_at: the open request that is due first, "erasure" or "export".
    dealt_at: when they were last enrolled, photographed or asked for consent.
    """

    subject_id: str
    state: str
    enrolled_at: datetime
    dealt_at: datetime
    consents: int
    held: int
    withdrawn_at: datetime | None
    ends_at: datetime | None
    unlimited: bool
    suspended_at: datetime | None
    requested: str | None
    due_at: datetime | None


@dataclass(frozen=True)
class Request:
    """Somebody asks for something about their data.

    subject_id: who answers for the person now; name: theirs.
    outcome: "done" | "refused"; None while it is open. answer: what was said to it.
    """

    request_id: str
    subject_id: str
    name: str
    kind: str  # "erasure" | "export"
    requested_at: datetime
    due_at: datetime
    note: str
    done_at: datetime | None
    outcome: str | None
    answer: str


@dataclass(frozen=True)
class AuditRecord:
    """One row of the audit trail. pseudonym: whom it is about; empty where it is nobody."""

    seq: int
    at: datetime
    actor: str
    action: str
    pseudonym: str
    details: Mapping[str, object]


@dataclass(frozen=True)
class Backup:
    """A backup file, as its header says.

    size: of the file, bytes. key_id: of the master key that opens it. backup_id: names the file
    with the keys of its people; empty: it is of before, with the keys inside.
    """

    path: Path
    size: int
    gallery_id: str
    key_id: str
    backup_id: str
    made_at: datetime
    generation: int
    files: int
    header_digest: str


@dataclass(frozen=True)
class CheckedBackup:
    """A backup that was opened and found whole. digest: of the index that it makes. gone: people in
    it whom nobody can read any more, because they were erased since."""

    backup: Backup
    digest: str
    gone: int


@dataclass(frozen=True)
class Sample:
    """A kept photo of a subject's face, decrypted."""

    sample_id: str
    subject_id: str
    image: bytes  # an encoded picture around the face
    details: Mapping[str, object]
    captured_at: datetime


@dataclass(frozen=True)
class NewSample:
    """A photo's face on its way in."""

    digest: bytes  # SHA-256 of the photo's bytes
    image: bytes
    details: Mapping[str, object]
    vector: NDArray[np.float32]  # (dimension,) float32, unit length


@dataclass(frozen=True)
class NewSighting:
    """A face that was seen and has no name, on its way into the review queue.

    nearest, rival: subjects whom it looks like, None where it looks like nobody.
    """

    kind: str  # "unknown" | "near_miss" | "disagreement" | "named"
    nearest: str | None
    rival: str | None
    image: bytes  # an encoded picture around the face
    details: Mapping[str, object]
    vector: NDArray[np.float32]  # (dimension,) float32, unit length


@dataclass(frozen=True)
class Sighting:
    """A face in the review queue, decrypted, without its picture."""

    sighting_id: str
    at: datetime
    kind: str
    nearest: str | None
    rival: str | None
    details: Mapping[str, object]
    vector: NDArray[np.float32]


@dataclass(frozen=True)
class Negative:
    """A face that somebody said no to, decrypted.

    subject_id: whom it is not; None: it is a stranger, nobody's.
    details: where it came from and who said so.
    """

    negative_id: str
    at: datetime
    subject_id: str | None
    details: Mapping[str, object]
    vector: NDArray[np.float32]  # (dimension,) float32, unit length


@dataclass(frozen=True)
class Negatives:
    """Every face that somebody said no to, in order of id: row i of `vectors` is not
    `subject_ids[i]` (the subject that answers for whom it was said of), or a stranger where that
    is None."""

    ids: tuple[str, ...]
    subject_ids: tuple[str | None, ...]
    vectors: NDArray[np.float32]  # (n, dimension)
    generation: int


@dataclass(frozen=True)
class Template:
    """One template of one kept photo, decrypted."""

    template_id: int
    subject_id: str
    sample_id: str
    vector: NDArray[np.float32]  # (dimension,)


@dataclass(frozen=True)
class Match:
    template_id: int
    subject_id: str
    score: float  # cosine


@dataclass(frozen=True)
class Templates:
    """Every searchable template: row i of `vectors` belongs to `subject_ids[i]`."""

    ids: tuple[int, ...]
    subject_ids: tuple[str, ...]
    vectors: NDArray[np.float32]  # (n, dimension)
    generation: int


@dataclass(frozen=True)
class StoredOperatingPoint:
    generation: int
    fingerprint: str
    max_fpir: float
    threshold: float
    details: Mapping[str, object]
    created_at: datetime


@dataclass(frozen=True)
class StoredCohort:
    """The strangers that confidence is measured against. vectors: (k, dimension) float32."""

    cohort_id: str
    created_at: datetime
    details: Mapping[str, object]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class StoredHead:
    """A version of the head. Trained rows are a file of the archive; means need none.

    manifest: how it was made and what was measured; `members`, the pseudonyms of its subjects;
    `file_sha256` where there is a file.
    """

    head_id: str
    created_at: datetime
    generation: int
    fingerprint: str
    state: str  # "champion" | "challenger" | "retired" | "refused"
    manifest: Mapping[str, object]


@dataclass(frozen=True)
class HeadVersion:
    """A version of the head without its manifest, which is large."""

    head_id: str
    created_at: datetime
    state: str  # as of `StoredHead`


@dataclass(frozen=True)
class NightCount:
    """Of one person's photos that a night searched for, how many it found. day: UTC midnight."""

    day: datetime
    found: int
    tried: int


@dataclass(frozen=True)
class Job:
    """One run of a job on one UTC day. No name is in `details`."""

    job: str
    day: str
    state: str  # "running" | "finished"
    started_at: datetime
    finished_at: datetime | None
    details: Mapping[str, object]


@dataclass(frozen=True)
class Finding:
    """Something that is not as Rollcall wrote it.

    kind: "audit", "whole", "seals", "policy", "subject", "subjects", "rollback", "fork" or
    "anchor". where: the row, table, subject or file.
    """

    kind: str
    where: str
    message: str


@dataclass(frozen=True)
class AnchorState:
    """One second place. seq, at: what it holds; since: its first row; problem: why it cannot be
    read or written."""

    place: str
    seq: int | None
    at: datetime | None
    since: int | None
    problem: str | None


@dataclass(frozen=True)
class AuditVerification:
    """What was found when everything was computed anew.

    rows: of the audit trail. verified_to: up to which row each is what was written. sealed: False
    in a gallery of before that nobody has opened since. anchored_to, anchored_at: the furthest row
    that a second place holds, and since when. seconds: how long it took.
    """

    rows: int
    verified_to: int
    sealed: bool
    anchored_to: int | None
    anchored_at: datetime | None
    anchors: tuple[AnchorState, ...]
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def intact(self) -> bool:
        return not self.findings

    @property
    def only_older(self) -> bool:
        """Is the one thing that is wrong that this is an older state than was anchored?"""
        return bool(self.findings) and {f.kind for f in self.findings} <= {"rollback", "fork"}


@dataclass(frozen=True)
class Verification:
    """What a comparison of the live index with a rebuilt one found."""

    templates: int
    live_digest: str
    rebuilt_digest: str
    damage: str | None
    audit: AuditVerification

    @property
    def sound(self) -> bool:
        return self.live_digest == self.rebuilt_digest and self.damage is None and self.audit.intact


@dataclass(frozen=True)
class ApiKey:
    """A key of other software, without the key itself. daily: how often it may ask who somebody
    is, each UTC day."""

    key_id: str
    name: str
    scopes: frozenset[str]
    daily: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True)
class StoredAnswer:
    """What a request was answered. request_digest: of what was asked; body: JSON."""

    request_digest: str
    status: int
    body: object


@dataclass(frozen=True)
class Event:
    """Something that was counted of a person on a day, and goes with the person."""

    at: datetime
    kind: str
    subject_id: str | None
    details: Mapping[str, object]


@dataclass(frozen=True)
class KeyUse:
    """How often a key has asked who somebody is. asked: on that UTC day; failed: in a row, with
    nobody named; last_at: the last time."""

    day: str
    asked: int
    failed: int
    last_at: datetime


@dataclass(frozen=True)
class User:
    """Somebody who signs in.

    login: case-folded. password: an argon2id encoding; None where another provider signs them in.
    one_time: the password opens nothing but the page on which it is changed.
    totp: the secret of the second factor, in base32. totp_step: the last one that was used.
    issuer, external: who they are at that provider.
    failed: attempts in a row that were wrong, the last one at failed_at.
    """

    user_id: str
    login: str
    roles: frozenset[str]
    created_at: datetime
    failed_at: datetime
    password: str | None = field(default=None, repr=False)
    one_time: bool = False
    totp: str | None = field(default=None, repr=False)
    totp_step: int = 0
    issuer: str | None = None
    external: str | None = None
    disabled_at: datetime | None = None
    failed: int = 0


@dataclass(frozen=True)
class Session:
    """Somebody who is signed in. seen_at: when they last did something; confirmed_at: when they
    last proved who they are."""

    session_id: str
    user: User
    started_at: datetime
    seen_at: datetime
    confirmed_at: datetime


@dataclass(frozen=True)
class StoredWebhook:
    """Other software that is told what happens here.

    events: actions of the audit trail. delivered_to: the last row of it that was taken.
    failed: attempts in a row, the first at failing_since; next_at: not tried again before.
    paused_at: given up until a person tries it.
    """

    webhook_id: str
    name: str
    url: str
    events: tuple[str, ...]
    secret: str = field(repr=False)
    created_at: datetime
    next_at: datetime
    delivered_to: int = 0
    failed: int = 0
    failing_since: datetime | None = None
    paused_at: datetime | None = None
