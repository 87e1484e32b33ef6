"""The gallery: the database that is true and the index that is quick, as one.

Nothing else opens either. The index is brought up to date by generation before every answer, so
several processes may share a gallery.
"""

import json
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from store import (
    account,
    api_key,
    audit,
    carried,
    metadata,
    negatives,
    person,
    requests,
    seal,
    shadow,
    sightings,
    standings,
    webhook,
)
from store.anchor import Anchor, AnchorPlace
from store.archive import Archive
from store.backup import make_backup, verify_backup
from store.carried import Carried, Here, Links
from store.change import Acting, Change
from store.companion import SUBJECT, Record, companions_in, erase_from
from store.database import (
    checkpoint,
    damage,
    knock,
    make_database,
    migrate,
    needs_migration,
    open_engine,
    translated,
)
from store.erasure_list import SUFFIX, ErasureList
from store.errors import (
    DatabaseAway,
    ErasureUnfinished,
    GalleryDamaged,
    GalleryExists,
    GalleryMissing,
    IndexDamaged,
    StoreError,
)
from store.index import TemplateIndex
from store.labels import Labels
from store.milvus import MilvusCollection
from store.milvus_index import MilvusIndex
from store.reach import MEMORY, Reach, Reached
from store.records import (
    AnchorState,
    ApiKey,
    AuditRecord,
    AuditVerification,
    Backup,
    CheckedBackup,
    Consent,
    ConsentText,
    Event,
    GalleryFacts,
    HeadVersion,
    Job,
    KeyUse,
    Looked,
    Match,
    Negative,
    Negatives,
    NightCount,
    Request,
    Sample,
    Session,
    Shadow,
    ShadowTemplates,
    Sighting,
    Standing,
    StoredAnswer,
    StoredCohort,
    StoredHead,
    StoredOperatingPoint,
    StoredWebhook,
    Subject,
    Template,
    Templates,
    User,
    Verification,
)
from store.rotation import DEED, Rotation, check_key, rotate
from store.schema import (
    api_keys,
    erasures,
    gallery,
    operating_points,
    samples,
    templates,
    users,
    webhooks,
)
from store.schema import shadow as shadow_table
from store.sealing import Sealing
from store.shroud import things
from store.truth import Part, Truth
from store.turn import Turn
from store.vacuum import vacuum
from store.vault import SubjectKey, Vault
from store.vectors import subject_keys_of, vectors
from store.verification import held_by, snapshot, verify
from wording.message import message, words_of

_CHECKPOINT_SECONDS = 10.0
_PATIENCE = 10.0  # seconds that a change waits for a database that is away
# What an attacker would want forgotten: its anchor goes through to the disk at once.
_GRAVE = (
    "subject.erase",
    "subject.export",
    "operating-point.",
    "api_key.",
    "webhook.",
    "head.champion",
    "user.",
    "audit.",
    "keys.",
    "backup.restore",
    "backbone.",
)
_REMEMBERED = 10_000  # changes that followers may ask for
_FOLLOWED = 5_000  # subjects; of more it is quicker to look at everybody
_PART = 5_000  # subjects


@dataclass(frozen=True)
class _Step:
    """From one generation to another. grew: nothing but templates more and names."""

    since: int
    reached: int
    subjects: frozenset[str]
    grew: bool


class Gallery:
    """Every read and write of what is kept. Safe to share between threads."""

    def __init__(
        self,
        engine: sa.Engine,
        vault: Vault,
        facts: GalleryFacts,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        anchors: Sequence[Path] = (),
        who: Callable[[], Acting | None] = lambda: None,
        memory: timedelta = MEMORY,
        index: str | None = None,
    ) -> None:
        """Args: index: URL of the Milvus that holds it; None: it is in memory."""
        self.facts = facts
        self._engine = engine
        # Without the database no score of an index elsewhere can be checked.
        self._reach = Reach(lambda: knock(engine), memory if index is None else timedelta(0))
        self._newest = -1  # the newest generation that was heard of
        self._vault = vault
        self._now = now
        self._places = [AnchorPlace(path, vault, facts.gallery_id) for path in anchors]
        self._erased = [
            ErasureList(p.with_suffix(SUFFIX), vault, facts.gallery_id) for p in anchors
        ]
        # Where companions of backups may be, new ones in the first: what every process can reach,
        # also the one whose key is handed over in a folder that takes nothing else.
        self.keys_folders = [path.parent for path in reversed(anchors)]
        self._index_url = index
        self._index = self._new_index()
        self._labels = Labels()
        self._merged: dict[str, str] = {}
        self._generation = -1
        self._checked = -1  # the generation whose people were found to be as they were sealed
        # Theirs, of those whom the index has as they were when these were read.
        self._seals: dict[str, bytes] = {}
        self._steps: list[_Step] = []
        self._lock = threading.RLock()
        self._counting = threading.Lock()
        self._who = who
        self._acting: ContextVar[Acting | None] = ContextVar("acting", default=None)
        self._changing: int | None = None  # the thread that is within a change
        self._within: sa.Connection | None = None  # of that change

    # -- care ---------------------------------------------------------------------------------

    def close(self) -> None:
        self._reach.close()
        self._index.close()
        self._engine.dispose()

    @property
    def reached(self) -> Reached:
        """Does the database answer, and how long may memory speak for it?"""
        return self._reach.state

    def wait_for_database(self) -> None:
        """For whoever is about to change the gallery: bounded, and before any lock is taken that a
        search needs.

        Raises:
            DatabaseAway: it has not come back meanwhile.
        """
        if self._engine.dialect.name != "sqlite":
            self._reach.wait(_PATIENCE)

    def verify(self, progress: Callable[[float], None] = lambda share: None) -> Verification:
        """Compare the live index with one rebuilt from the database, and check file and audit.

        Args:
            progress: told of the share of the templates that is read; what it raises ends it.

        Raises:
            GalleryDamaged: a row cannot be decrypted.
        """
        with self._lock:
            count, live, rebuilt = self._digests(progress)
            if live != rebuilt and self.generation() != self._generation:
                # What is elsewhere was compared with a state that was over.
                count, live, rebuilt = self._digests(progress)
            return Verification(
                templates=count,
                live_digest=live,
                rebuilt_digest=rebuilt,
                damage=damage(self._engine),
                audit=self.verify_audit(),
            )

    def _digests(self, progress: Callable[[float], None]) -> tuple[int, str, str]:
        self.refresh()
        with self._reading() as connection:
            ids = sorted(metadata.searchable(connection))
            return len(ids), *self._index.digests(ids, self._truth(connection), progress)

    def verify_audit(self) -> AuditVerification:
        """Is everything as Rollcall wrote it: the audit trail, the seals, the anchors?"""
        return verify(self._engine, self._vault, self._places)

    def anchors(self) -> list[AnchorState]:
        """What the second places say, without looking at the gallery."""
        return [held_by(place)[0] for place in self._places]

    def accept(self, actor: str, reason: str) -> AuditVerification:
        """Somebody says that this older state is the gallery: anchor it from here on.

        Raises:
            StoreError: something else is wrong as well, or nothing is.
        """
        with self._lock:
            found = self.verify_audit()
            if not found.only_older:
                raise StoreError(
                    message(
                        "only an older state that you restored can be accepted, and this is "
                        "none; nothing was changed. Run: rollcall audit verify"
                    )
                )
            details = {"reason": reason, "rows": found.rows, "anchored_to": found.anchored_to}
            with self.change(actor, raises_generation=False) as change:
                change.record("audit.accept", "", details)
            self.anchor_here()
            return self.verify_audit()

    def anchor_here(self) -> None:
        """This is the gallery: anchor it from here on, whatever was anchored before.

        Raises:
            StoreError: a second place cannot be written.
        """
        with self._reading() as connection:
            end = audit.last(connection)
        for place in self._places:
            place.replace(self._anchor_of(end))
            if place.problem:
                raise StoreError(place.problem)

    @property
    def index_bytes(self) -> int:
        """What the index keeps of all templates, in memory."""
        return self._index.nbytes

    def rebuild(self) -> int:
        """Throw the index away and build it anew from the database; returns its size. Rows that are
        elsewhere are compared, and those alone that differ are written: others search meanwhile.

        Raises:
            IndexUnusable: it is elsewhere, and cannot be.
        """
        with self._lock:
            self._renew_index(by_content=True)
            self._generation = -1
            self.settle_index()
            return len(self._index)

    def settle_index(self, *, erasing: bool = False) -> None:
        """See that an index elsewhere has what the database has. Nothing to do where it is in
        memory.

        Args:
            erasing: compare all ids, so that nothing is left there of anybody who was erased.

        Raises:
            IndexUnusable: it has not.
        """
        with self._fresh():
            self._index.settle(self._holding, erasing=erasing)

    def check_index(self) -> None:
        """As `settle_index`, and a count of the rows that are elsewhere. Raises IndexUnusable."""
        if not self._index.is_elsewhere:
            return
        with self._fresh():
            self._index.settle(self._holding, answering=True)
            try:
                self._index.check()
            except IndexDamaged:
                if self.generation() == self._generation:  # else somebody was just erased
                    raise

    def drop_index(self) -> None:
        """Take all rows of this gallery out of the index elsewhere. Raises IndexAway."""
        with self._lock:
            self._index.drop()

    @property
    def index_place(self) -> str | None:
        """Where the index is; None: in memory."""
        return self._index.place

    def _new_index(self, *, by_content: bool = False) -> TemplateIndex | MilvusIndex:
        dimension, url = self.facts.dimension, self._index_url
        if url is None:
            return TemplateIndex(dimension)
        secret = self._vault.index_secret(self.facts.fingerprint)
        turn = Turn(dimension, secret)
        collection = MilvusCollection(url, self.facts.gallery_id, secret, turn.turned)
        return MilvusIndex(dimension, collection, turn, by_content=by_content)

    def _renew_index(self, *, by_content: bool = False) -> None:
        self._index.close()
        self._index = self._new_index(by_content=by_content)

    def finish_erasures(self, *, of_subjects_alone: bool = False) -> bool:
        """End an erasure: who was erased is written down in the second places, nobody can read them
        in a backup any more, and no row of theirs is left in the live files. False while another
        process reads old ones.

        Args:
            of_subjects_alone: leave what belongs to nobody in other backups, because this is an
                older state that does not know it.

        Raises:
            ErasureUnfinished: a second place or a backup's keys cannot be written. IndexUnusable:
                the index is elsewhere, and may hold rows of theirs. StoreError: the disk is full or
                broken.
        """
        with self._reading() as connection:
            unfinished = sa.select(erasures.c.subject_mac).where(erasures.c.state == "erased")
            begun = list(connection.execute(unfinished).scalars())
        try:
            self.write_down_erasures()
            self.erase_from_backups(of_subjects_alone=of_subjects_alone)
        except (OSError, StoreError) as error:
            said = words_of(error) if isinstance(error, StoreError) else str(error)
            raise ErasureUnfinished(said) from error
        if not self.cut_log():
            return False
        if self._index.is_elsewhere:
            self.settle_index(erasing=True)
        with translated(), self._engine.begin() as connection:
            for some in metadata.chunks(begun):  # others' may have begun meanwhile
                ours = erasures.c.subject_mac.in_(some)
                connection.execute(sa.update(erasures).where(ours).values(state="confirmed"))
        return True

    def is_older(self) -> bool:
        """Has an anchor come further than this gallery, so that this is an older state of it?"""
        with self._reading() as connection:
            reached, _ = audit.last(connection)
        return any(anchor.seq is not None and anchor.seq > reached for anchor in self.anchors())

    def write_down_erasures(self) -> None:
        """In the second places, so that a restored backup does not bring anybody back.

        Raises:
            GalleryDamaged, OSError: one of them cannot be written.
        """
        with self._reading() as connection:
            rows = connection.execute(sa.select(erasures.c.subject_mac, erasures.c.erased_at))
            erased = {row.subject_mac: row.erased_at for row in rows}
        for place in self._erased:
            place.add(erased)

    def erase_from_backups(self, *, of_subjects_alone: bool = False) -> None:
        """Take the keys of everybody who was erased, and of every picture that is not kept any
        more, out of the companions of all backups.

        Raises:
            GalleryDamaged, OSError: one of them cannot be written.
        """
        paths = companions_in(self.keys_folders, self.facts.gallery_id)
        if not paths:
            return
        with self._reading() as connection:
            macs = connection.execute(sa.select(erasures.c.subject_mac)).scalars()
            erased = {bytes.fromhex(mac) for mac in macs}
            kept = things(connection, self._vault)

        def gone(record: Record) -> bool:
            if record.kind == SUBJECT:
                return record.name in erased
            return not of_subjects_alone and record.name not in kept

        for path in paths:
            erase_from(path, gone)

    def erased_elsewhere(self) -> list[str]:
        """Subjects that are here and were erased, as a second place says: this is an older state.

        Raises:
            GalleryDamaged, OSError: a place that is there cannot be read.
        """
        erased = set[str]().union(*(place.read() or {} for place in self._erased))
        if not erased:
            return []
        return [
            subject_id
            for subject_id in self.subject_ids()
            if self._vault.lookup_mac("subject", subject_id.encode()).hex() in erased
        ]

    def cut_log(self) -> bool:
        """Get deleted rows out of the live files; False while another process reads old ones."""
        deadline = time.monotonic() + _CHECKPOINT_SECONDS
        while not (checkpoint(self._engine) and vacuum(self._engine)):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    @property
    def vault(self) -> Vault:
        """What the gallery's files are sealed with."""
        return self._vault

    @property
    def key_id(self) -> str:
        """Which master key the gallery is under."""
        return self._vault.key_id

    def rotate(self, archive: Archive, master: bytes, actor: str) -> Rotation:
        """Put everything under another master key; this and every other opened gallery is of no
        use afterwards and has to be opened anew.

        Raises:
            GalleryDamaged: as `rotation.rotate`; nothing was changed.
            StoreError: it is under the new key, and a file of a head waits to be put in its place.
        """
        acting = self.acting
        if acting is not None:
            acting.allow(DEED)
        with self._lock:
            done = rotate(
                self._engine,
                archive,
                self._vault,
                master,
                acting.actor if acting else actor,
                self._now(),
            )
            for place in self._places:
                place.take(done.vault)
            self._vault = done.vault
            self._keep_anchors(done.end, at_once=True)
            with self._reading() as connection:
                files = metadata.head_files(connection)
            try:
                archive.settle(files)
            except StoreError as error:
                raise StoreError(
                    message(
                        "the gallery is under the new key now, but not everything is in its place: "
                        "{error}. Mend that; the next start puts it there",
                        error=words_of(error),
                    )
                ) from error
            return done

    @property
    def can_be_copied(self) -> bool:
        """Is the whole gallery in files of its folder, so that `backup` can copy it?"""
        return self._engine.dialect.name == "sqlite"

    def backup(
        self, archive: Archive, target: Path, progress: Callable[[float], None] = lambda share: None
    ) -> Backup:
        """Copy everything into one sealed file while others go on writing; as `make_backup`."""
        with translated():
            return make_backup(
                self._engine,
                archive,
                self._vault,
                self.facts,
                target,
                self._now(),
                self._apart()[0],
                self.erase_from_backups,
                progress,
            )

    def verify_backup(
        self, path: Path, workplace: Path, progress: Callable[[float], None] = lambda share: None
    ) -> CheckedBackup:
        """Open a backup as a restore would, and throw away what was opened."""
        return verify_backup(path, self._vault, workplace, self._apart(), progress)

    def _apart(self) -> list[Path]:
        if not self.keys_folders:
            raise StoreError(
                message("the keys of a backup lie apart from it, and no second place is known")
            )
        return self.keys_folders

    def unfinished_erasures(self) -> int:
        with self._reading() as connection:
            return int(
                connection.execute(
                    sa.select(sa.func.count()).where(erasures.c.state == "erased")
                ).scalar_one()
            )

    def is_erased(self, subject_id: str) -> bool:
        """Is this id on the list of those who were erased?"""
        mac = self._vault.lookup_mac("subject", subject_id.encode()).hex()
        with self._reading() as connection:
            found = sa.select(erasures.c.state).where(erasures.c.subject_mac == mac)
            return connection.execute(found).first() is not None

    def sign(self, content: bytes) -> bytes:
        """Ed25519 (RFC 8032), 64 bytes."""
        return self._vault.signing_key().sign(content)

    @property
    def public_key(self) -> bytes:
        """Of what `sign` gives, 32 bytes."""
        return self._vault.signing_key().public_key().public_bytes_raw()

    def last_erasure(self) -> datetime | None:
        """When somebody was last erased; None: nobody ever was."""
        with self._reading() as connection:
            at = connection.execute(sa.select(sa.func.max(erasures.c.erased_at))).scalar_one()
            return datetime.fromisoformat(at) if at else None

    # -- reading ------------------------------------------------------------------------------

    def refresh(self) -> int:
        """Bring the index to the database's generation; returns it.

        Raises:
            GalleryDamaged: somebody's rows are not what Rollcall wrote.
        """
        with self._fresh():
            return self._generation

    def generation(self) -> int:
        """The database's; while that is away and memory may speak for it, memory's."""
        try:
            with self._reading() as connection:
                self._newest = metadata.generation(connection)
        except DatabaseAway:
            if not self._remembers:
                raise
        return self._newest

    @property
    def _remembers(self) -> bool:
        """May what is in memory be answered from? Not when it is known to be outdated."""
        return self._generation >= 0 and self._generation == self._newest and self._reach.remembers

    def subjects(self) -> dict[str, Subject]:
        """Every subject by id, those merged into others too, oldest first."""
        with self._reading() as connection:
            return metadata.all_subjects(connection)

    def some_subjects(self, subject_ids: Collection[str]) -> dict[str, Subject]:
        """As `subjects`, of these alone; templates of subjects merged into them are not counted."""
        with self._reading() as connection:
            return metadata.some_subjects(connection, subject_ids)

    def family(self, subject_id: str) -> list[Subject]:
        """A subject and all that were merged into it, itself first; empty where there is none."""
        with self._reading() as connection:
            return person.family(connection, subject_id)

    def heads_that_saw(self, subject_ids: Collection[str]) -> list[HeadVersion]:
        """The kept versions of the head that were made with any of these, newest first."""
        with self._reading() as connection:
            return person.heads_that_saw(connection, self._vault, subject_ids)

    def nights_of(self, subject_ids: Collection[str]) -> list[NightCount]:
        """What each night counted of these, together, oldest first."""
        with self._reading() as connection:
            return person.nights_of(connection, subject_ids)

    def names(self, subject_ids: Collection[str]) -> dict[str, str]:
        """What these subjects are called, by id; who is not there any more is left out."""
        with self._reading() as connection:
            return metadata.names(connection, subject_ids)

    def page_of_subjects(
        self,
        search: str = "",
        states: Collection[str] = ("active", "suspended"),
        order: str = "name",
        offset: int = 0,
        limit: int = 50,
    ) -> tuple[list[Subject], int]:
        """Some of the subjects, and how many there are in all.

        Args:
            search: part of a name or external id, or a whole id; empty finds everybody.
            order: "name", "newest" or "oldest".
        """
        with self._reading() as connection:
            return metadata.page_of_subjects(connection, search, states, order, offset, limit)

    def namesakes(self, name: str, external_id: str | None = None) -> list[Subject]:
        """Those of this name, and who has this external id, oldest first; none that is merged."""
        with self._reading() as connection:
            return metadata.namesakes(connection, name, external_id)

    def called(self, who: str) -> list[Subject]:
        """Those of this id, external id or name, oldest first; those who are merged, too."""
        with self._reading() as connection:
            return metadata.called(connection, who)

    def count(self) -> int:
        """How many subjects there are, without those merged into others."""
        with self._reading() as connection:
            return metadata.count_of_subjects(connection)

    def count_templates(self) -> int:
        """How many templates are kept, whoever's."""
        with self._reading() as connection:
            return metadata.count_of_templates(connection)

    def family_of(self, subject_id: str) -> list[str]:
        """A subject and all that were merged into it, itself first."""
        with self._reading() as connection:
            return list(metadata.families(connection, [subject_id]))

    def subject_ids(self) -> list[str]:
        """Everybody's, those merged into others too."""
        with self._reading() as connection:
            return metadata.subject_ids(connection)

    def carried(self, subject_ids: Collection[str]) -> list[Carried]:
        """Everything of these that goes along into another gallery, decrypted, oldest first."""
        with self._reading() as connection:
            return carried.read(connection, self._vault, self.facts, subject_ids)

    def here_of(self, people: Collection[Carried]) -> Here:
        """What of these, who come from another gallery, is here already."""
        with self._reading() as connection:
            return carried.here(connection, people)

    def erased_among(self, subject_ids: Collection[str]) -> set[str]:
        """As `is_erased`, of many."""
        with self._reading() as connection:
            return carried.erased_among(connection, self._vault, subject_ids)

    def origins(self) -> dict[int, str]:
        """Template id -> the gallery it was enrolled in, of those that came from another one."""
        with self._reading() as connection:
            return carried.origins(connection, self._vault)

    def owner_of_external_id(self, external_id: str) -> str | None:
        """Whose number this is, also one who was merged into somebody."""
        with self._reading() as connection:
            return carried.owner_of_external_id(connection, external_id)

    def links_of_negatives(self) -> dict[str, Links]:
        """Negative's id -> the subjects whom the face looked like: nearest, rival."""
        with self._reading() as connection:
            return carried.links_of_negatives(connection)

    def consents(self, subject_id: str) -> list[Consent]:
        with self._reading() as connection:
            return metadata.consents_of(connection, subject_id)

    def samples(self, subject_ids: Collection[str], newest: int | None = None) -> list[Sample]:
        """The kept photos of these subjects, decrypted, oldest first; the `newest` ones alone,
        where given."""
        with self._reading() as connection:
            keys = self._keys(connection, set(subject_ids))
            rows = connection.execute(
                sa.select(samples)
                .where(samples.c.subject_id.in_(list(subject_ids)))
                .order_by(samples.c.captured_at.desc(), samples.c.sample_id.desc())
                .limit(newest)
            ).all()
        return [_open_sample(keys[row.subject_id], row) for row in reversed(rows)]

    def newest_samples(self, subject_ids: Collection[str]) -> dict[str, Sample]:
        """The newest kept photo of each of these, decrypted; one of somebody merged into it counts.

        Who has none is left out.
        """
        with self._reading() as connection:
            newest = person.newest_samples(connection, list(subject_ids))
            rows = connection.execute(
                sa.select(samples).where(samples.c.sample_id.in_(list(newest.values())))
            ).all()
            keys = self._keys(connection, {row.subject_id for row in rows})
        opened = {row.sample_id: _open_sample(keys[row.subject_id], row) for row in rows}
        return {subject_id: opened[sample_id] for subject_id, sample_id in newest.items()}

    def has_content(self, digest: bytes, subject_ids: Collection[str]) -> bool:
        """Is this very photo, by its SHA-256, kept for one of these subjects already?"""
        with self._reading() as connection:
            return metadata.has_content(connection, self._vault, digest, subject_ids)

    def search(self, probes: NDArray[np.float32], k: int) -> list[list[Match]]:
        """The k best templates of each probe, best first.

        Args:
            probes: (n, dimension) float32 unit rows.
        """
        with self._fresh() as connection:

            def exact(ids: Sequence[int]) -> NDArray[np.float32] | None:
                return None if connection is None else self._vectors(connection, ids)

            self._index.settle(self._holding, answering=True)
            found = self._index.search(probes, k, exact)
            return [
                [Match(template_id, self._labels[template_id], score) for template_id, score in row]
                for row in found
            ]

    def templates(self) -> Templates:
        """Every searchable template, in order of id."""
        with self._fresh() as connection:
            return self._templates_of(connection, self._labels.subject_ids)

    def templates_in_parts(self) -> Iterator[Templates]:
        """As `templates`, of some subjects at a time, each whole: for who cannot hold all. Nothing
        changes while they are gone through."""
        with self._fresh() as connection:
            everybody = list(self._labels.subject_ids)
            for begin in range(0, max(len(everybody), 1), _PART):
                yield self._templates_of(connection, everybody[begin : begin + _PART])

    def grown_since(self, generation: int) -> frozenset[str] | None:
        """Subjects with more templates or a new name since then, if nothing else has changed.

        None: something else has, or it is not known; look at everything.
        """
        with self._lock:
            steps = self._steps_since(generation)
            grew = steps is not None and all(step.grew for step in steps)
            return _subjects_of(steps) if grew else None

    def changed_since(self, generation: int) -> frozenset[str] | None:
        """Subjects whose templates, names or states are not known to be what they were then, also
        those who are gone. Whether another head serves is not among it.

        None: it is not known; look at everything.
        """
        with self._lock:
            return _subjects_of(self._steps_since(generation))

    def _steps_since(self, generation: int) -> "list[_Step] | None":
        reached = self.refresh()
        steps = [step for step in self._steps if step.reached > generation]
        begins = [step.since for step in steps]
        ends = [generation, *(step.reached for step in steps)]
        return steps if ends == [*begins, reached] else None

    def templates_of(self, subject_ids: Collection[str]) -> Templates:
        """The searchable templates of these subjects, in order of id."""
        with self._fresh() as connection:
            return self._templates_of(connection, subject_ids)

    def _templates_of(
        self, connection: sa.Connection | None, subject_ids: Collection[str]
    ) -> Templates:
        ids = sorted(i for subject_id in set(subject_ids) for i in self._labels.of(subject_id))
        return Templates(
            ids=tuple(ids),
            subject_ids=tuple(self._labels[i] for i in ids),
            vectors=self._exact(connection, ids),
            generation=self._generation,
        )

    def _exact(self, connection: sa.Connection | None, ids: Sequence[int]) -> NDArray[np.float32]:
        """The rows as they were enrolled, whatever the index keeps of them.

        Raises:
            DatabaseAway: it keeps them otherwise, and the database is.
        """
        if isinstance(self._index, TemplateIndex) and self._index.is_exact:
            return self._index.vectors(ids)
        if connection is None:
            with self._reading() as again:
                return self._vectors(again, ids)
        return self._vectors(connection, ids)

    def vectors_of(self, subject_ids: Collection[str]) -> NDArray[np.float32]:
        """(n, dimension): every template of these very subjects, also where they cannot be found
        (suspended, merged into others)."""
        with self._reading() as connection:
            ids: list[int] = []
            for chunk in metadata.chunks(list(subject_ids)):
                wanted = sa.select(templates.c.template_id).where(templates.c.subject_id.in_(chunk))
                ids += connection.execute(wanted).scalars()
            return self._vectors(connection, ids)

    def stored_templates(self, subject_ids: Collection[str]) -> list[Template]:
        """As `vectors_of`, with the photo that each was made from."""
        with self._reading() as connection:
            rows = connection.execute(
                sa.select(templates.c.template_id, templates.c.subject_id, templates.c.sample_id)
                .where(templates.c.subject_id.in_(list(subject_ids)))
                .order_by(templates.c.template_id)
            ).all()
            vectors = self._vectors(connection, [row.template_id for row in rows])
        return [
            Template(row.template_id, row.subject_id, row.sample_id, vector)
            for row, vector in zip(rows, vectors, strict=True)
        ]

    def sightings(self, since: datetime | None = None) -> list[Sighting]:
        """The review queue, oldest first; from `since` on, where given."""
        with self._reading() as connection:
            return sightings.select(connection, self._vault, self.facts.fingerprint, since)

    def sighting_ids(self) -> list[str]:
        """Which faces `sightings` would give, without opening them; oldest first."""
        with self._reading() as connection:
            return sightings.ids(connection, self.facts.fingerprint)

    def queue_size(self) -> tuple[int, datetime | None]:
        """How many faces are in the review queue, whichever pipeline made them, and since when."""
        with self._reading() as connection:
            return sightings.size(connection)

    def sighting_images(self, sighting_ids: Collection[str]) -> dict[str, bytes]:
        """The pictures of those that are still in the queue, decrypted."""
        with self._reading() as connection:
            print_ = self.facts.fingerprint
            return sightings.images(connection, self._vault, print_, sighting_ids)

    def has_sighting(self, image: bytes) -> bool:
        """Is this very picture in the review queue?"""
        with self._reading() as connection:
            return sightings.has_image(connection, self._vault, image)

    def negative_list(self) -> list[Negative]:
        """Every face that somebody said no to, in order of id, as it was said."""
        with self._reading() as connection:
            return negatives.select(connection, self._vault, self.facts.fingerprint)

    def negatives(self) -> Negatives:
        """As arrays. Who was merged since answers as the one they were merged into."""
        with self._reading() as connection:
            generation = metadata.generation(connection)
            owners = metadata.answering(connection)
            everyone = negatives.select(connection, self._vault, self.facts.fingerprint)
        # One that names somebody who has come or gone since the line above belongs to the next
        # generation, which is asked for again.
        found = [n for n in everyone if n.subject_id is None or n.subject_id in owners]
        vectors = np.empty((len(found), self.facts.dimension), np.float32)
        for i, negative in enumerate(found):
            vectors[i] = negative.vector
        return Negatives(
            ids=tuple(n.negative_id for n in found),
            subject_ids=tuple(n.subject_id and owners[n.subject_id] for n in found),
            vectors=vectors,
            generation=generation,
        )

    def shadow(self) -> Shadow | None:
        """Another backbone's templates beside those that serve; None where there are none.

        Raises:
            GalleryDamaged: somebody has changed what it is outside Rollcall.
        """
        with self._reading(shadow_table) as connection:
            return shadow.read(connection)

    def shadow_pending(self) -> list[str]:
        """Ids of the kept photos that have a template, and none there yet; oldest row first."""
        with self._reading() as connection:
            return shadow.pending(connection)

    def some_samples(self, sample_ids: Collection[str]) -> list[Sample]:
        """These kept photos, decrypted, as far as they are still there."""
        with self._reading() as connection:
            wanted = samples.c.sample_id.in_(list(sample_ids))
            rows = connection.execute(sa.select(samples).where(wanted)).all()
            keys = self._keys(connection, {row.subject_id for row in rows})
        return [_open_sample(keys[row.subject_id], row) for row in rows]

    def shadow_templates(self) -> ShadowTemplates:
        """Every searchable template as that backbone sees it, in order of the gallery's ids."""
        with self._reading() as connection:
            return shadow.templates_of(connection, self._vault)

    def left_without(self) -> list[str]:
        """Subjects that have templates, and none there; merged ones as those they answer as."""
        with self._reading() as connection:
            return shadow.left_without(connection)

    def shadow_vectors_of(self, subject_ids: Collection[str]) -> NDArray[np.float32]:
        """As `vectors_of`, of that backbone."""
        with self._reading() as connection:
            return shadow.vectors_of(connection, self._vault, subject_ids)

    def operating_points(self) -> list[StoredOperatingPoint]:
        """Every one that was stored, oldest first.

        Raises:
            GalleryDamaged: somebody has changed one outside Rollcall.
        """
        with self._reading(operating_points) as connection:
            return metadata.all_operating_points(connection)

    def newest_operating_points(self, most: int) -> list[StoredOperatingPoint]:
        """The last of `operating_points`, oldest first. Raises GalleryDamaged likewise."""
        with self._reading(operating_points) as connection:
            return metadata.newest_operating_points(connection, most)

    def cohort(self) -> StoredCohort | None:
        """The strangers that were brought on site; None where none were."""
        with self._reading() as connection:
            return metadata.cohort(connection, self._vault, self.facts)

    def heads(self) -> list[StoredHead]:
        """Every version of the head that is kept, oldest first."""
        with self._reading() as connection:
            return metadata.all_heads(connection)

    def head_files(self) -> dict[str, str]:
        """Head id -> SHA-256 of its file, of those that have one."""
        with self._reading() as connection:
            return metadata.head_files(connection)

    def named_files(self) -> tuple[list[str], list[str]]:
        """The heads that have a file, and the files of reports."""
        with self._reading() as connection:
            return metadata.named_files(connection)

    def champion(self) -> StoredHead | None:
        """The head that serves; None before the first was promoted."""
        return next((head for head in self.heads() if head.state == "champion"), None)

    def samples_of(self, template_ids: Collection[int]) -> dict[int, Sample]:
        """The kept photos that these templates were made from, decrypted."""
        with self._reading() as connection:
            rows = connection.execute(
                sa.select(templates.c.template_id, samples)
                .join(samples, samples.c.sample_id == templates.c.sample_id)
                .where(templates.c.template_id.in_(list(template_ids)))
            ).all()
            keys = self._keys(connection, {row.subject_id for row in rows})
        return {row.template_id: _open_sample(keys[row.subject_id], row) for row in rows}

    def jobs(self, job: str) -> list[Job]:
        """Every run of a job, oldest day first."""
        with self._reading() as connection:
            return metadata.all_jobs(connection, job)

    def page_of_jobs(self, job: str, offset: int = 0, limit: int = 30) -> tuple[list[Job], int]:
        """Some runs of a job, newest day first, and how many there are in all."""
        with self._reading() as connection:
            return metadata.page_of_jobs(connection, job, offset, limit)

    def pseudonyms(self, subject_ids: Collection[str]) -> dict[str, str]:
        """How heads, jobs and the audit trail name these subjects."""
        return {s: audit.pseudonym(self._vault, s) for s in subject_ids}

    def page_of_events(self, offset: int = 0, limit: int = 50) -> tuple[list[Event], int]:
        """What was counted of people, newest first, and how many rows there are in all."""
        with self._reading() as connection:
            return person.page_of_events(connection, offset, limit)

    def api_keys(self) -> list[ApiKey]:
        """Keys of other software, oldest first; those that have ended too.

        Raises:
            GalleryDamaged: somebody has changed one outside Rollcall.
        """
        with self._reading(api_keys) as connection:
            return api_key.every(connection)

    def api_key_of(self, secret: str) -> ApiKey | None:
        """While the database is away: as it was found within the time that memory holds.

        Raises:
            GalleryDamaged: a key was changed outside Rollcall.
        """

        def ask() -> ApiKey | None:
            with self._reading(api_keys) as connection:
                return api_key.of_secret(connection, self._vault, secret)

        return self._reach.remembered(("key", api_key.digest_of(self._vault, secret)), ask)

    def use_key(self, key_id: str, after: Callable[[KeyUse], KeyUse | None]) -> KeyUse:
        """Count what a key asks, as `api_key.use`; no change of the gallery."""
        # In turn: SQLite lets one write at a time, and who finds it busy sleeps, longer each time.
        with (
            self._reach.asking(),
            self._counting,
            translated(),
            self._engine.begin() as connection,
        ):
            return api_key.use(connection, key_id, after)

    def answer(self, key_id: str, idempotency_key: str, kept: timedelta) -> StoredAnswer | None:
        """What this key was answered to the request with this idempotency key, within `kept`."""
        with self._reading() as connection:
            return api_key.answer(connection, key_id, idempotency_key, self._now() - kept)

    def webhooks(self) -> list[StoredWebhook]:
        """Other software that is told what happens, oldest first.

        Raises:
            GalleryDamaged: somebody has changed one outside Rollcall.
        """
        with self._reading(webhooks) as connection:
            return webhook.every(connection, self._vault)

    def webhooks_behind(self) -> list[str]:
        """Ids of those that have not been told everything and may be tried now."""
        with self._reading() as connection:
            return webhook.behind(connection, self._now())

    def claim_webhook(self, webhook_id: str, by: str, lasts: timedelta) -> StoredWebhook | None:
        """As `webhook.claim`. Raises GalleryDamaged, as `webhooks`."""
        with translated(), self._engine.begin() as connection:
            now = self._now()
            found = webhook.claim(connection, self._vault, webhook_id, by, now, now + lasts)
            seal.check(connection, self._vault, [webhooks])
            return found

    def release_webhook(self, webhook_id: str, by: str) -> None:
        with translated(), self._engine.begin() as connection:
            webhook.release(connection, by, webhook_id)

    def untold(self, hook: StoredWebhook, limit: int) -> list[tuple[AuditRecord, str]]:
        """As `webhook.to_tell`."""
        with self._reading() as connection:
            return webhook.to_tell(connection, hook, limit)

    def webhook_took(self, webhook_id: str, seq: int) -> None:
        """As `webhook.acknowledge`; no change of the gallery. seq 0: a trial message."""
        with translated(), self._engine.begin() as connection:
            webhook.acknowledge(connection, webhook_id, seq)

    def webhook_failed(
        self, hook: StoredWebhook, next_at: datetime, paused_at: datetime | None
    ) -> None:
        """One attempt more that was not taken."""
        since = hook.failing_since or self._now()
        with translated(), self._engine.begin() as connection:
            webhook.put_trouble(
                connection, hook.webhook_id, hook.failed + 1, since, next_at, paused_at
            )

    def users(self) -> list[User]:
        """Everybody who may sign in or could once, in order of login. Raises GalleryDamaged, as
        `user_named`."""
        with self._reading(users) as connection:
            return account.every(connection, self._vault)

    def user_named(self, login: str) -> User | None:
        """By the case-folded login. Raises GalleryDamaged when users were changed from outside."""
        with self._reading(users) as connection:
            return account.named(connection, self._vault, login)

    def user_of_provider(self, issuer: str, external: str) -> User | None:
        """Raises GalleryDamaged, as `user_named`."""
        with self._reading(users) as connection:
            return account.of_provider(connection, self._vault, issuer, external)

    def session_of(self, token: str) -> Session | None:
        """As `account.session_of`; while the database is away, as it was found within the time
        that memory holds. Raises GalleryDamaged, as `user_named`."""

        def ask() -> Session | None:
            with self._reading(users) as connection:
                return account.session_of(connection, self._vault, token)

        return self._reach.remembered(("session", account.digest_of(self._vault, token)), ask)

    def sessions(self) -> list[Session]:
        """As `account.open_sessions`. Raises GalleryDamaged, as `user_named`."""
        with self._reading(users) as connection:
            return account.open_sessions(connection, self._vault)

    def touch_session(self, session_id: str, at: datetime) -> None:
        """Somebody does something; no change of the gallery."""
        with self._reach.asking(), translated(), self._engine.begin() as connection:
            account.touch(connection, session_id, at)

    def audit_page(
        self,
        actions: Collection[str] = (),
        names: Collection[str] = (),
        offset: int = 0,
        limit: int = 50,
    ) -> tuple[list[AuditRecord], int]:
        """Some of the audit trail, newest first, and how many rows there are; as `audit.page`."""
        with self._reading() as connection:
            return audit.page(connection, actions, names, offset, limit)

    def last_deed(self) -> int:
        """A number that every change of a person raises, by any process; a look does not."""
        with self._reading() as connection:
            return audit.last_deed(connection)

    def audit_actions(self) -> list[str]:
        """Every action that the audit trail has."""
        with self._reading() as connection:
            return audit.actions(connection)

    def standings(self, looked: Looked, only: str | None = None) -> list[Standing]:
        """Whom a rule of retention may be about; `only`: this subject, if they are one of those."""
        with self._reading() as connection:
            required = self.facts.consent_policy == "required"
            return standings.candidates(connection, self._vault, looked, required, only)

    def consent_texts(self) -> list[ConsentText]:
        """Every wording that somebody's consent rests on, the newest first."""
        with self._reading() as connection:
            return standings.texts(connection)

    def requests(
        self, answered: bool = False, offset: int = 0, limit: int = 50
    ) -> tuple[list[Request], int]:
        """What people ask for, due first, or what was answered, newest first; and how many."""
        with self._reading() as connection:
            return requests.page(connection, answered, offset, limit)

    def open_requests(self) -> int:
        """How many nobody has answered."""
        with self._reading() as connection:
            return requests.open_now(connection)

    def max_fpir(self) -> float:
        """Raises GalleryDamaged when it was changed outside Rollcall."""
        with self._reading(gallery) as connection:
            return float(connection.execute(sa.select(gallery.c.max_fpir)).scalar_one())

    # -- writing ------------------------------------------------------------------------------

    @contextmanager
    def change(self, actor: str, *, raises_generation: bool = True) -> Iterator[Change]:
        """One transaction. The index is up to date inside it and follows after the commit.

        Args:
            raises_generation: False for records that alter nobody's recognition.

        Raises:
            GalleryDamaged: what is to be changed was changed outside Rollcall before.
        """
        acting = self.acting
        if self._changing != threading.get_ident():
            self.wait_for_database()
        with self._lock:
            with self._reach.asking(), translated(), self._engine.begin() as connection:
                step = int(raises_generation)
                connection.execute(
                    sa.update(gallery).values(generation=gallery.c.generation + step)
                )
                reached = metadata.generation(connection)
                check_key(connection, self._vault)
                self._refresh(connection, reached - step)
                sealing = Sealing(connection, self._vault, reached - step)
                change = Change(
                    connection,
                    self._vault,
                    self.facts,
                    reached,
                    self._now(),
                    acting.actor if acting else actor,
                    sealing,
                    acting.allow if acting else _anything,
                )
                self._changing, self._within = threading.get_ident(), connection
                try:
                    with sealing.watching():
                        yield change
                finally:
                    self._changing = self._within = None
                end = sealing.close(reached)
            if self._checked == reached - step:
                self._checked = reached  # the sealing has looked at whom it touched
            self._forget_seals(sealing.seen)
            self._follow(change, sealing.seen)
            # Else before the next answer, or by the next process that gives one.
            with suppress(StoreError):
                self._index.settle(self._holding)
            self._keep_anchors(end, at_once=any(a.startswith(_GRAVE) for a in change.recorded))

    @property
    def is_changing(self) -> bool:
        """Is this thread within a change, so that another one would wait for itself?"""
        return self._changing == threading.get_ident()

    def _keep_anchors(self, end: tuple[int, bytes], *, at_once: bool = False) -> None:
        anchor = self._anchor_of(end)
        for place in self._places:
            place.keep(anchor, self._has_row_of, at_once=at_once)

    def _anchor_of(self, end: tuple[int, bytes]) -> Anchor:
        seq, mac = end
        return Anchor(self.facts.gallery_id, seq, mac.hex(), self._generation, self._now(), seq)

    def _has_row_of(self, anchor: Anchor) -> bool:
        with self._reading() as connection:
            mac = audit.mac_at(connection, anchor.seq)
        return mac is not None and mac.hex() == anchor.mac

    def _follow(self, change: Change, seen: frozenset[str]) -> None:
        if change.relabelled:
            with self._reading() as connection:
                reached = metadata.generation(connection)
                alone = reached == change.generation
                self._refresh(connection, reached, seen if alone else None)
            return
        if change.added:
            ids, owners, vectors = zip(*change.added, strict=True)
            self._index.take(ids, [(ids, np.stack(vectors))])
            self._labels.add(zip(ids, owners, strict=True))
        if change.generation > self._generation:
            grown = frozenset(owner for _, owner, _ in change.added) | change.renamed
            self._step(_Step(self._generation, change.generation, grown, grew=True))
        self._generation = self._newest = change.generation
        self._reach.confirm()

    def _step(self, step: "_Step") -> None:
        self._steps = [*self._steps[-_REMEMBERED:], step]

    # -- the two as one -----------------------------------------------------------------------

    @contextmanager
    def _fresh(self) -> Iterator[sa.Connection | None]:
        """Reading, when the index is at the generation of what is read. None: the database is away,
        and what is in memory may be answered from."""
        with self._lock, ExitStack() as reading:
            connection: sa.Connection | None = None
            try:
                connection = reading.enter_context(self._reading())
                self._catch_up(connection)
            except DatabaseAway as error:
                with suppress(DatabaseAway):
                    reading.pop_all().__exit__(type(error), error, error.__traceback__)
                if not self._remembers:
                    raise
                connection = None
            else:
                self._reach.confirm()
            yield connection

    def _catch_up(self, connection: sa.Connection) -> None:
        self._newest = reached = metadata.generation(connection)
        changed = None
        if reached != self._checked:
            check_key(connection, self._vault)
            seals = seal.check_people(connection, self._vault, self._seals)
            changed = self._moved(seals)
            self._seals, self._checked = seals, reached
        self._refresh(connection, reached, changed)

    def _refresh(
        self, connection: sa.Connection, reached: int, changed: frozenset[str] | None = None
    ) -> None:
        """Args: changed: who is perhaps not what they were; None: it is not known."""
        if reached == self._generation:
            return
        # Where this is broken off, the next looks at everything.
        since, self._generation = self._generation, -1
        if self._follow_backbone(connection):
            since = -1
        if since >= 0 and changed is None:
            changed = self._moved(seal.held(connection))
            self._forget_seals(changed)
        if since >= 0 and changed is not None and self._is_little(connection, changed):
            self._read_some(connection, changed)
            self._step(_Step(since, reached, changed, grew=False))
        else:
            self._read_everything(connection)
            self._steps = []
        self._generation = reached

    def _follow_backbone(self, connection: sa.Connection) -> bool:
        """Whoever opened this gallery finds by `facts` that what they embed with is of no use."""
        if metadata.fingerprint(connection) == self.facts.fingerprint:
            return False
        self.facts = metadata.facts(connection)
        self._renew_index()
        self._labels = Labels()
        return True

    def _moved(self, held: Mapping[str, bytes]) -> frozenset[str]:
        """Who is perhaps not what the index has of them, with those who are gone.

        Args:
            held: everybody's seals, as they are now.
        """
        gone = self._labels.subject_ids - held.keys()
        return seal.differing(self._seals, held) | gone

    def _forget_seals(self, subject_ids: Iterable[str]) -> None:
        """They changed, and what is remembered is of before: somebody who is changed back by
        another process must not look as if nothing had happened."""
        for subject_id in subject_ids:
            self._seals.pop(subject_id, None)

    def _is_little(self, connection: sa.Connection, changed: frozenset[str]) -> bool:
        """Can they be followed alone? Who answers for whom may move with those who are merged."""
        if len(changed) > _FOLLOWED:
            return False
        merged = metadata.merged(connection)
        return merged == self._merged and changed.isdisjoint([*merged, *merged.values()])

    def _read_some(self, connection: sa.Connection, changed: frozenset[str]) -> None:
        labels = metadata.searchable_of(connection, sorted(changed))
        before = {i for subject_id in changed for i in self._labels.of(subject_id)}
        self._add(connection, sorted(labels.keys() - before), labels)
        self._index.remove(list(before - labels.keys()))
        self._labels.drop(changed)
        self._labels.add(sorted(labels.items()))

    def _read_everything(self, connection: sa.Connection) -> None:
        labels = metadata.searchable(connection)
        self._index.remove([i for i in self._index.ids if i not in labels])
        self._index.expect(len(labels))
        self._add(connection, [i for i in labels if i not in self._index], labels)
        self._labels = Labels(labels)
        self._merged = metadata.merged(connection)

    def _add(
        self, connection: sa.Connection, ids: Sequence[int], labels: Mapping[int, str]
    ) -> None:
        self._index.take(ids, self._opened(connection, ids, labels))

    def _opened(
        self, connection: sa.Connection, ids: Sequence[int], labels: Mapping[int, str]
    ) -> Iterator[Part]:
        for some, found in self._truth(connection).in_parts(ids):
            _check_each(some, labels, found)
            yield some, found

    def _truth(self, connection: sa.Connection) -> Truth:
        return Truth(connection, self._vault, self.facts)

    @contextmanager
    def _holding(self) -> Iterator[Truth]:
        """Nobody else changes anything within: under the lock of writers, this thread's own where
        it has it."""
        if self.is_changing and self._within is not None:
            yield self._truth(self._within)
            return
        with self._reach.asking(), translated(), self._engine.begin() as connection:
            connection.execute(sa.update(gallery).values(generation=gallery.c.generation))
            check_key(connection, self._vault)
            yield self._truth(connection)

    def _vectors(self, connection: sa.Connection, ids: Sequence[int]) -> NDArray[np.float32]:
        return vectors(connection, self._vault, self.facts, ids)

    def _keys(
        self, connection: sa.Connection, subject_ids: Collection[str]
    ) -> dict[str, SubjectKey]:
        return subject_keys_of(connection, self._vault, subject_ids)

    @property
    def acting(self) -> Acting | None:
        """Who acts in this thread or task, by `acting_as` or else by what it was opened with; None:
        the process itself."""
        return self._acting.get() or self._who()

    @contextmanager
    def acting_as(self, acting: Acting) -> Iterator[None]:
        """Every change within is this one's, in this thread or task alone, whoever opened it."""
        token = self._acting.set(acting)
        try:
            yield
        finally:
            self._acting.reset(token)

    @contextmanager
    def _reading(self, *policy: sa.Table) -> Iterator[sa.Connection]:
        """Args: policy: tables that must be as Rollcall wrote them, or GalleryDamaged is raised."""
        with self._reach.asking(), translated(), snapshot(self._engine) as connection:
            if policy:
                check_key(connection, self._vault)
                seal.check(connection, self._vault, policy)
            yield connection

    def seal(self) -> None:
        """See that policy is as Rollcall wrote it; seal what no version has sealed before.

        Raises:
            GalleryDamaged: it is not.
        """
        with self._reading() as connection:
            kept = seal.read(connection)
            sealed = bool(kept) and not seal.out_of_date(kept)
            if sealed:
                seal.check(connection, self._vault)
        if not sealed:
            anchored = any(anchor for _, anchor, _ in map(held_by, self._places))
            with translated(), self._engine.begin() as connection:
                connection.execute(sa.update(gallery).values(generation=gallery.c.generation))
                seal.begin(connection, self._vault, self._now(), anchored=anchored)
        with self._reading() as connection:
            end = audit.last(connection)
        self._keep_anchors(end)


def create_gallery(url: str, key: bytes, facts: GalleryFacts, max_fpir: float) -> None:
    """Make the schema and stamp what the gallery is made with.

    Raises:
        GalleryExists: the database holds a gallery already; nothing is overwritten.
    """
    engine = open_engine(url)
    try:
        make_database(engine)
        migrate(engine)
        with translated(), engine.begin() as connection:
            if connection.execute(sa.select(gallery.c.one)).first() is not None:
                raise GalleryExists(message("there is a gallery in this database already"))
            stamp(connection, key, facts, max_fpir)
            seal.begin(connection, Vault(key), datetime.now(UTC), anchored=False)
        checkpoint(engine)
    finally:
        engine.dispose()


def stamp(connection: sa.Connection, key: bytes, facts: GalleryFacts, max_fpir: float) -> None:
    """Write what the gallery is made with, into an empty schema."""
    values = {
        "one": 1,
        "gallery_id": facts.gallery_id,
        "created_at": facts.created_at.isoformat(),
        "backbone": facts.backbone,
        "backbone_reason": metadata.message_to_store(facts.backbone_reason),
        "detector": facts.detector,
        "dimension": facts.dimension,
        "fingerprint": facts.fingerprint,
        "golden": facts.golden.astype(np.float32).tobytes(),
        "consent_policy": facts.consent_policy,
        "max_fpir": max_fpir,
        "key_id": Vault(key).key_id,
        "generation": 0,
    }
    connection.execute(sa.insert(gallery).values(**values))


def read_facts(url: str) -> tuple[GalleryFacts, str]:
    """What the gallery was made with, and the id of the key that it is under; needs no key.

    Raises:
        GalleryMissing: the database holds none.
    """
    engine = open_engine(url)
    try:
        _check_schema(engine)
        with translated(), engine.connect() as connection:
            return metadata.facts(connection), metadata.key_id(connection)
    finally:
        engine.dispose()


def open_gallery(
    url: str,
    key: bytes,
    anchors: Sequence[Path] = (),
    who: Callable[[], Acting | None] = lambda: None,
    *,
    restored: bool = False,
    memory: timedelta = MEMORY,
    index: str | None = None,
) -> Gallery:
    """Open an existing gallery, and finish an erasure that was cut short.

    Args:
        anchors: files in second places, which say how far the audit trail has come.
        who: in whose name a thread acts; asked at each change.
        restored: it comes out of a backup, so others may be newer.
        memory: how long recognition goes on without a database that went away.
        index: URL of the Milvus that holds the index; None: it is in memory.

    Raises:
        GalleryMissing: the database holds none.
        KeyMissing: the key is not the one it was made with.
        GalleryDamaged: policy was changed outside Rollcall.
    """
    engine = open_engine(url)
    _check_schema(engine)
    with translated(), engine.connect() as connection:
        facts = metadata.facts(connection)
        vault = metadata.open_vault(connection, key)
    opened = Gallery(engine, vault, facts, anchors=anchors, who=who, memory=memory, index=index)
    opened.seal()
    if opened.unfinished_erasures():
        # Where the disk is full, who is here can still be told; doctor says what is not finished.
        with suppress(StoreError):
            opened.finish_erasures(of_subjects_alone=restored or opened.is_older())
    else:
        with suppress(OSError, GalleryDamaged):  # the next erasure says so, and is not confirmed
            opened.write_down_erasures()
    return opened


def _subjects_of(steps: Sequence[_Step] | None) -> frozenset[str] | None:
    if steps is None:
        return None
    return frozenset[str]().union(*(step.subjects for step in steps))


def _anything(_action: str) -> None:
    """The process itself may do whatever it is asked to."""


def new_gallery_id() -> str:
    return str(uuid.uuid4())


def _check_schema(engine: sa.Engine) -> None:
    with translated(), engine.connect() as connection:
        if not sa.inspect(connection).has_table("gallery"):
            raise GalleryMissing(message("the database holds no gallery; run: rollcall init"))
    if needs_migration(engine):
        migrate(engine)


def _check_each(ids: Sequence[int], labels: Mapping[int, str], found: NDArray[np.float32]) -> None:
    """Raises GalleryDamaged, and says whose template it is, where one is no embedding."""
    for row in np.flatnonzero(~np.isfinite(found).all(axis=1))[:1]:
        template_id = ids[row]
        raise GalleryDamaged(
            message(
                "template {template_id} of subject {subject} holds NaN or infinity; "
                "nothing is searched or learnt with it: restore the gallery from a backup",
                template_id=template_id,
                subject=labels[template_id],
            )
        )


def _open_sample(key: SubjectKey, row: sa.Row[tuple[object, ...]]) -> Sample:
    sample_id = str(row.sample_id)
    return Sample(
        sample_id=sample_id,
        subject_id=str(row.subject_id),
        image=key.open(row.image, "image", sample_id),
        details=json.loads(key.open(row.details, "details", sample_id)),
        captured_at=datetime.fromisoformat(str(row.captured_at)),
    )
