"""Moving a gallery to another backbone while it serves, and back.

A shadow of every template is made from the kept photos with the other backbone. Both are measured
on the same photos, a report says how they differ, and the move itself is one transaction: what
serves and the shadow change places. So the way back is the same way, and whoever was enrolled
meanwhile is embedded before it is gone. Names, ids, consents, merges and states are not touched.

What belongs to one backbone alone cannot be carried: trained heads retire, a cohort of strangers
that was brought here has to be built again, and faces that were said no to, of which no picture is
kept, are set aside until the gallery goes back.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enrollment.ahead import ahead
from enrollment.backbone_agreement import Agreement, Seen, compare
from enrollment.calibration import OperatingPoint, point_to_store
from enrollment.capture import Capture
from enrollment.cohort import Cohort
from enrollment.cohort_choice import that_comes_along
from enrollment.cohort_file import cohort_of
from enrollment.errors import BadInput, Unusable
from enrollment.night_lease import JOB as NIGHT
from enrollment.night_lease import runs_now
from enrollment.pipelines import Pipelines
from enrollment.rebackbone_lease import Lease, claim
from enrollment.rebackbone_report import write
from enrollment.reembedding import Kept, reembed
from enrollment.workplace import Here, Workplace
from models.fingerprint import fingerprint, golden_agree, golden_embeddings
from store import shadow as rows
from store.archive import Archive
from store.change import Change
from store.errors import GalleryLocked
from store.gallery import Gallery
from store.records import GalleryFacts, NewSighting, Sample, Shadow, Sighting
from wording.message import message

KEPT = timedelta(days=14)  # what the gallery had before stays for so long after a move
_AT_ONCE = 32  # photos: as many as a backbone gains from, see `batcher.py`
_TIMED = 32  # photos that both backbones are timed on
_ROUNDS = 20  # how often a gallery that changes all the time is looked at anew
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Terms:
    """What a person consents to: that fewer are found; that so many people have no template."""

    accept_worse: bool = False
    allow_missing: int = 0


@dataclass(frozen=True)
class Prepared:
    """Everything that the move needs is there.

    back: the gallery had this backbone before. agreement: None where nobody is enrolled who could
    be compared. faceless: subject id -> kept photos of theirs without a face to be seen. missing:
    ids of those who would have no template. fidelity: the lowest and the median cosine between the
    templates that serve and the same backbone's embeddings of the kept photos, which says what the
    keeping costs. report: its page.
    """

    facts: GalleryFacts
    before: GalleryFacts
    capture: Capture
    back: bool
    templates: int
    agreement: Agreement
    faceless: dict[str, int]
    missing: tuple[str, ...]
    fidelity: tuple[float, float] | None
    names: dict[str, str]
    report: Path | None

    def against(self, terms: Terms) -> list[str]:
        """Why the gallery is not to move, in words; empty: nothing speaks against it."""
        found: list[str] = []
        if len(self.missing) > terms.allow_missing:
            found.append(
                message(
                    "{n} of the enrolled would have no template, because no face is found in "
                    "their kept photos: {names}. Give them new photos, or repeat with "
                    "--allow-missing {n}",
                    n=len(self.missing),
                    names=", ".join(self.names.get(s, s) for s in self.missing),
                )
            )
        agreed = self.agreement
        if agreed.finds_fewer and not terms.accept_worse and not self.back:
            found.append(
                message(
                    "{new} finds {found} of {probes} photos, {old} finds {before}, each at a "
                    "threshold that names {rate:.2%} of strangers. See the report; to move all the "
                    "same repeat with --accept-worse",
                    new=self.facts.backbone,
                    found=agreed.after.found,
                    probes=agreed.after.probes,
                    old=self.before.backbone,
                    before=agreed.before.found,
                    rate=agreed.point.max_fpir,
                )
            )
        return found


@dataclass(frozen=True)
class Moved:
    """What a move did beside the templates. head: the one that retired; queue, queue_lost: waiting
    faces that were embedded anew, and that were dropped because no face is found in them any more;
    set_aside: faces that were said no to; taken_up: those of before that count again."""

    backbone: str
    fingerprint: str
    threshold: float
    head: str | None
    cohort_dropped: bool
    queue: int
    queue_lost: int
    set_aside: int
    taken_up: int


class _ChangedError(Exception):
    """Somebody changed the gallery meanwhile: look again."""


class Rebackbone:
    """Another backbone for one gallery.

    pipelines: opens backbones by name. serving: what the gallery has now; raises where it cannot be
    opened. follow: measures the operating point after a move. place: the gallery's, for the report.
    workplace: where kept photos are embedded for the shadow.
    """

    def __init__(
        self,
        gallery: Gallery,
        archive: Archive,
        pipelines: Pipelines,
        serving: Callable[[], Capture],
        follow: Callable[[], OperatingPoint],
        place: str,
        actor: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        workplace: Workplace | None = None,
    ) -> None:
        self._gallery = gallery
        self._archive = archive
        self._pipelines = pipelines
        self._serving = serving
        self._follow = follow
        self._place = place
        self._actor = actor
        self._now = now
        self._workplace = workplace or Here()

    # -- what there is --------------------------------------------------------------------------

    def status(self) -> Shadow | None:
        """The shadow; None where there is none."""
        return self._gallery.shadow()

    def kept_until(self, shadow: Shadow) -> datetime | None:
        """When the way back ends; None while the shadow is only being made."""
        return shadow.since + KEPT if shadow.state == "kept" else None

    def discard(self) -> bool:
        """Drop the shadow: the work, or the way back; False where there is none."""
        self._demand()
        with self._leased(), self._gallery.change(self._actor, raises_generation=False) as change:
            return rows.drop(change)

    def expire(self) -> bool:
        """Drop what the gallery had before a move, once its time is over."""
        shadow = self._gallery.shadow()
        until = self.kept_until(shadow) if shadow else None
        if until is None or until > self._now():
            return False
        try:
            with (
                self._leased(),
                self._gallery.change(self._actor, raises_generation=False) as change,
            ):
                return rows.drop(change)
        except BadInput:  # somebody goes back just now
            return False

    # -- making the shadow ----------------------------------------------------------------------

    def prepare(self, name: str, progress: Progress = lambda stage, share: None) -> Prepared:
        """Make or finish the shadow for this backbone, measure both, write the report. The gallery
        serves on, and nothing of what serves is changed.

        Args:
            name: as `init --backbone`.

        Raises:
            BadInput: the backbone cannot be opened, it serves already, the shadow is another one's,
                or another process is at it; nothing was changed.
        """
        self._demand()
        self._gallery.refresh()
        before = self._gallery.facts
        capture, chosen, reason = self._pipelines.named(name, before.detector)
        facts = replace(
            before,
            backbone=chosen,
            backbone_reason=reason,
            dimension=capture.backbone.dimension,
            fingerprint=fingerprint(capture.detector, capture.backbone),
            golden=golden_embeddings(capture.backbone),
        )
        if facts.fingerprint == before.fingerprint:
            raise BadInput(
                message("{backbone} serves already; nothing was changed", backbone=before.backbone)
            )
        self._check_detector(before, capture)
        with self._leased() as lease:
            self._begin(facts)
            return self._prepared(capture, facts, lease, progress)

    def prepare_back(self, progress: Progress = lambda stage, share: None) -> Prepared:
        """As `prepare`, for the backbone that the gallery had before.

        Raises:
            BadInput: there is no way back, or that backbone cannot be opened any more.
        """
        self._demand()
        shadow = self._gallery.shadow()
        if shadow is None or shadow.state != "kept":
            raise BadInput(
                message(
                    "there is no backbone to go back to: the gallery has not moved, or what it had "
                    "before was dropped after {days} days; to move run: rollcall rebackbone NAME",
                    days=KEPT.days,
                )
            )
        capture, _, _ = self._pipelines.named(shadow.facts.backbone, shadow.facts.detector)
        self._check_same(shadow.facts, capture)
        with self._leased() as lease:
            return self._prepared(capture, shadow.facts, lease, progress)

    def _begin(self, facts: GalleryFacts) -> None:
        shadow = self._gallery.shadow()
        if shadow is None:
            with self._gallery.change(self._actor, raises_generation=False) as change:
                rows.begin(change, facts)
        elif shadow.facts.fingerprint != facts.fingerprint:
            raise BadInput(
                message(
                    "there is a shadow of {other} ({templates} templates); finish that move, or "
                    "drop it first: rollcall rebackbone --discard. Nothing was changed",
                    other=shadow.facts.backbone,
                    templates=shadow.templates,
                )
                if shadow.facts.backbone != facts.backbone
                else message(
                    "{backbone} is another network than the one that the shadow was begun with "
                    "(other weights or settings); bring that back, or drop the shadow: "
                    "rollcall rebackbone --discard. Nothing was changed",
                    backbone=facts.backbone,
                )
            )
        elif not golden_agree(shadow.facts.golden, facts.golden):
            raise BadInput(_other_embeddings(facts))

    def _check_detector(self, before: GalleryFacts, capture: Capture) -> None:
        """Kept landmarks are the old detector's, and probes are aligned by the new one's."""
        if before.detector.partition(":")[0] != capture.detector.name:
            raise BadInput(
                message(
                    "the gallery was made with the detector {detector}, and a move keeps it; set "
                    "ROLLCALL_DETECTOR to it. Nothing was changed",
                    detector=before.detector,
                )
            )

    def _check_same(self, facts: GalleryFacts, capture: Capture) -> None:
        if fingerprint(capture.detector, capture.backbone) != facts.fingerprint or not golden_agree(
            facts.golden, golden_embeddings(capture.backbone)
        ):
            raise BadInput(_other_embeddings(facts))

    def _prepared(
        self, capture: Capture, facts: GalleryFacts, lease: Lease, progress: Progress
    ) -> Prepared:
        for _ in range(_ROUNDS):
            try:
                self._build(capture, facts, lease, progress)
                return self._look(capture, lease, progress)
            except _ChangedError:
                lease.beat()
        raise GalleryLocked(
            message(
                "the gallery changes all the time, so the two backbones cannot be compared; what "
                "was embedded is kept. Repeat the command when less is going on"
            )
        )

    def _build(
        self, capture: Capture, facts: GalleryFacts, lease: Lease, progress: Progress
    ) -> None:
        """Embed every photo that has a template and none in the shadow; each batch is kept."""
        waiting = self._gallery.shadow_pending()
        for done, (samples, vectors) in enumerate(self._embedded(waiting, capture, facts, lease)):
            lease.beat()
            progress("embed", done * _AT_ONCE / len(waiting))
            new = [
                rows.NewTemplate(sample.sample_id, vector)
                for sample, vector in zip(samples, vectors, strict=True)
            ]
            with self._gallery.change(self._actor, raises_generation=False) as change:
                lease.check(change)
                rows.put(change, new)
        progress("embed", 1.0)

    def _embedded(
        self, waiting: Sequence[str], capture: Capture, facts: GalleryFacts, lease: Lease
    ) -> Iterator[tuple[list[Sample], list[NDArray[np.float32] | None]]]:
        """Batch by batch, wherever there are eyes; the next ones are under way meanwhile."""
        if not waiting:
            return
        eyes = self._workplace.eyes(capture, facts, lambda: self._pipelines.opener(facts))
        batches = (
            self._gallery.some_samples(waiting[start : start + _AT_ONCE])
            for start in range(0, len(waiting), _AT_ONCE)
        )
        yield from ahead(
            lambda samples: eyes.reembed(_kept(samples)), batches, eyes.batches, lease.beat
        )

    def _look(self, capture: Capture, lease: Lease, progress: Progress) -> Prepared:
        progress("compare", 0.0)
        shadow = self._gallery.shadow()
        before = self._gallery.facts
        if shadow is None:
            raise Unusable(message("the shadow was dropped meanwhile; nothing was changed"))
        now, then = self._gallery.templates(), self._gallery.shadow_templates()
        if now.generation != then.generation or shadow.missing:
            raise _ChangedError
        lease.beat()
        serving = self._old()
        old_vectors = _rows_of(now.ids, now.vectors, then.ids)
        fidelity, seconds = self._timed(now.ids, serving, capture, then.ids, old_vectors)
        progress("compare", 0.3)
        lease.beat()
        prior, collision = self._priors(serving)
        agreement = compare(
            Seen(before.backbone, old_vectors, prior, collision, self._own_cohort(), seconds[0]),
            Seen(
                shadow.facts.backbone,
                then.vectors,
                capture.backbone.priors.threshold,
                capture.backbone.priors.collision,
                that_comes_along(shadow.facts),
                seconds[1],
            ),
            then.owners,
            self._gallery.max_fpir(),
            now.generation,
        )
        missing = self._gallery.left_without()
        mentioned = {
            *(moved.subject_id for moved in agreement.moved),
            *(s for pair in agreement.near for s in (pair.one, pair.other)),
            *(owner for _, owner in then.without),
            *missing,
        }
        prepared = Prepared(
            facts=shadow.facts,
            before=before,
            capture=capture,
            back=shadow.state == "kept",
            templates=shadow.templates,
            agreement=agreement,
            faceless=dict(Counter(owner for _, owner in then.without)),
            missing=tuple(missing),
            fidelity=fidelity,
            names=self._gallery.names(mentioned),
            report=None,
        )
        progress("compare", 1.0)
        return self._reported(prepared, lease)

    def _reported(self, prepared: Prepared, lease: Lease) -> Prepared:
        """Write the report, and name it: an erasure must find who is in it."""
        files = write(prepared, self._archive, self._place, self._now(), lease.run_id)
        pseudonyms = self._gallery.pseudonyms(prepared.names).values()
        try:
            with self._gallery.change(self._actor, raises_generation=False) as change:
                if change.generation != prepared.agreement.generation:
                    raise _ChangedError
                lease.name_reports(change, files, pseudonyms)
        except _ChangedError:
            self._archive.sweep(*self._gallery.named_files(), at_once=True)
            raise
        return replace(prepared, report=self._archive.report(files[0]))

    def _old(self) -> Capture | None:
        """What serves; None where it cannot be opened, which may be why the gallery is to move."""
        try:
            return self._serving()
        except Unusable:
            return None

    def _priors(self, serving: Capture | None) -> tuple[float, float]:
        if serving is not None:
            priors = serving.backbone.priors
            return priors.threshold, priors.collision
        points = self._gallery.newest_operating_points(1)
        return (points[0].threshold if points else 1.0), 2.0

    def _own_cohort(self) -> Cohort | None:
        stored = self._gallery.cohort()
        if stored is not None:
            return cohort_of(stored.vectors, dict(stored.details))
        return that_comes_along(self._gallery.facts)

    def _timed(
        self,
        ids: Sequence[int],
        serving: Capture | None,
        capture: Capture,
        kept: Sequence[int],
        vectors: NDArray[np.float32],
    ) -> tuple[tuple[float, float] | None, tuple[float | None, float | None]]:
        """Both backbones on the same kept photos: what keeping them costs, and seconds a face."""
        step = max(len(kept) // _TIMED, 1)
        chosen = list(range(0, len(kept), step))[:_TIMED]
        photos = self._gallery.samples_of([kept[i] for i in chosen])
        chosen = [i for i in chosen if kept[i] in photos]
        samples = [photos[kept[i]] for i in chosen]
        if not samples:
            return None, (None, None)
        _, new = _timed(samples, capture)
        if serving is None:
            return None, (None, new)
        again, old = _timed(samples, serving)
        cosines = [
            float(vector @ vectors[i])
            for i, vector in zip(chosen, again, strict=True)
            if vector is not None
        ]
        fidelity = (min(cosines), float(np.median(cosines))) if cosines else None
        return fidelity, (old, new)

    # -- the move -------------------------------------------------------------------------------

    def switch(
        self,
        prepared: Prepared,
        terms: Terms,
        progress: Progress = lambda stage, share: None,
    ) -> tuple[Prepared, Moved | None]:
        """Move, if nothing speaks against it: one transaction. Whoever changed meanwhile is looked
        at once more, and so may be why it does not move: None then.

        Raises:
            BadInput: the night runs, or another process is at it. Unusable, StoreError: the disk is
                full, or the shadow is gone. Nothing was changed then.
        """
        self._demand()
        with self._leased() as lease:
            for _ in range(_ROUNDS):
                if prepared.agreement.generation != self._gallery.generation():
                    prepared = self._prepared(prepared.capture, prepared.facts, lease, progress)
                if prepared.against(terms):
                    return prepared, None
                try:
                    moved = self._move(prepared, lease)
                except _ChangedError:
                    continue
                with suppress(GalleryLocked):  # a point is stored; it is measured when asked for
                    self._follow()
                return prepared, moved
        raise GalleryLocked(
            message(
                "the gallery changes all the time; nothing was changed. Repeat the command when "
                "less is going on"
            )
        )

    def _move(self, prepared: Prepared, lease: Lease) -> Moved:
        waiting = self._gallery.sightings()
        faces = self._seen_anew(waiting, prepared.capture)
        with self._gallery.change(self._actor) as change:
            lease.check(change)
            self._check_night(change)
            self._check_unchanged(change, prepared, faces.keys())
            before = change.facts
            head = change.retire_head()
            own = change.cohort() is not None
            if own:
                change.drop_cohort()
            after = rows.switch(change, {k: new for k, new in faces.items() if new is not None})
            point = replace(prepared.agreement.point, generation=change.generation)
            change.add_operating_point(
                generation=point.generation,
                threshold=point.threshold,
                max_fpir=point.max_fpir,
                details=point_to_store(point),
            )
            moved = Moved(
                backbone=after.backbone,
                fingerprint=after.fingerprint,
                threshold=point.threshold,
                head=head,
                cohort_dropped=own,
                queue=sum(new is not None for new in faces.values()),
                queue_lost=sum(new is None for new in faces.values()),
                set_aside=rows.set_aside(change.connection, before.fingerprint),
                taken_up=rows.set_aside(change.connection, after.fingerprint),
            )
            change.record(
                "backbone.switch",
                "",
                {
                    "from": before.backbone,
                    "to": after.backbone,
                    "fingerprint": after.fingerprint,
                    "templates": prepared.templates,
                    "without": len(prepared.missing),
                },
            )
        return moved

    def _check_unchanged(self, change: Change, prepared: Prepared, faces: Collection[str]) -> None:
        shadow = rows.read(change.connection)
        if shadow is None or shadow.facts.fingerprint != prepared.facts.fingerprint:
            raise Unusable(message("the shadow was dropped meanwhile; nothing was changed"))
        if change.facts.fingerprint != prepared.before.fingerprint:
            raise Unusable(message("somebody else has moved the gallery; nothing was changed"))
        here = {sighting.sighting_id for sighting in change.sightings()}
        if (
            change.generation - 1 != prepared.agreement.generation
            or shadow.missing
            or here != set(faces)
        ):
            raise _ChangedError

    def _check_night(self, change: Change) -> None:
        running = [j for j in change.jobs(NIGHT) if runs_now(j, self._now())]
        if running:
            raise BadInput(
                message(
                    "the night is being run by process {pid}; wait for its end and repeat. "
                    "Nothing was changed",
                    pid=str(running[0].details.get("pid")),
                )
            )

    def _seen_anew(
        self, waiting: Sequence[Sighting], capture: Capture
    ) -> dict[str, NewSighting | None]:
        """The review queue as the other backbone sees it; None where it sees no face."""
        found: dict[str, NewSighting | None] = {}
        for start in range(0, len(waiting), _AT_ONCE):
            some = waiting[start : start + _AT_ONCE]
            images = self._gallery.sighting_images([s.sighting_id for s in some])
            here = [s for s in some if s.sighting_id in images]
            photos = [(images[s.sighting_id], s.details) for s in here]
            same = capture.backbone.priors.same_person
            for sighting, vector in zip(here, reembed(photos, capture), strict=True):
                found[sighting.sighting_id] = (
                    None
                    if vector is None
                    else NewSighting(
                        kind=sighting.kind,
                        nearest=sighting.nearest,
                        rival=sighting.rival,
                        image=images[sighting.sighting_id],
                        details={**sighting.details, "same_person": same},
                        vector=vector,
                    )
                )
        return found

    @contextmanager
    def _leased(self) -> Iterator[Lease]:
        lease = claim(self._gallery, self._actor, self._now)
        try:
            yield lease
        finally:
            lease.end()

    def _demand(self) -> None:
        acting = self._gallery.acting
        if acting is not None:
            acting.allow("backbone.switch")


def _other_embeddings(facts: GalleryFacts) -> str:
    return message(
        "{backbone} gives other embeddings here than those that are kept of it; bring back the "
        "weights and the versions of its libraries, or drop them: rollcall rebackbone --discard. "
        "Nothing was changed",
        backbone=facts.backbone,
    )


def _reembed(samples: Sequence[Sample], capture: Capture) -> list[NDArray[np.float32] | None]:
    return reembed(_kept(samples), capture)


def _kept(samples: Sequence[Sample]) -> list[Kept]:
    return [(sample.image, sample.details) for sample in samples]


def _timed(
    samples: Sequence[Sample], capture: Capture
) -> tuple[list[NDArray[np.float32] | None], float]:
    """Their vectors, and the seconds a face; once before, because the first time is slower."""
    _reembed(samples[:1], capture)
    started = time.perf_counter()
    found = _reembed(samples, capture)
    return found, (time.perf_counter() - started) / len(samples)


def _rows_of(
    ids: Sequence[int], vectors: NDArray[np.float32], wanted: Sequence[int]
) -> NDArray[np.float32]:
    position = {template_id: i for i, template_id in enumerate(ids)}
    return vectors[[position[i] for i in wanted]]
