"""Faces that wait for a person's word: unknowns, near misses and disagreements.

A door offers what it saw; nothing of it enters the gallery here. What is kept of strangers is
bounded in number and in days, and a face that somebody said no to is not asked about again.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from enrollment.calibration import OperatingPoint
from enrollment.capture import Capture, CapturedFace
from enrollment.identifier import Candidate, Identification
from enrollment.portrait import Portrait, open_portrait, portrait_of
from enrollment.review_cluster import Cluster
from enrollment.review_groups import ReviewGroups
from enrollment.review_policy import ReviewPolicy
from enrollment.roster import Roster
from enrollment.veto import Vetoes
from models.backbone import ScorePriors
from models.head import imprint
from store.change import Change
from store.gallery import Gallery
from store.records import NewSighting, Sighting

UNKNOWN, NEAR_MISS, DISAGREEMENT = "unknown", "near_miss", "disagreement"
NAMED = "named"  # somebody doubts the name


@dataclass(frozen=True)
class Offer:
    """What became of a face that was offered.

    outcome: "queued"; "not_needed" (it was named, or is too poor to say anything); "seen_already"
        (this passage, or this very picture, is in the queue); "ignored" (somebody said no to this
        face); "erased" (the person it looks like was erased meanwhile); "away" (the database is:
        who stands at a door is not kept waiting for it).
    dropped: faces that left the queue because of its limits.
    """

    outcome: str
    sighting_id: str | None = None
    dropped: int = 0


class ReviewQueue:
    """The queue of one gallery."""

    def __init__(
        self,
        gallery: Gallery,
        open_models: Callable[[], Capture],
        roster: Roster,
        vetoes: Vetoes,
        point: Callable[[], OperatingPoint],
        policy: ReviewPolicy,
        actor: str,
    ) -> None:
        self._gallery = gallery
        self._open_models = open_models
        self._roster = roster
        self._vetoes = vetoes
        self._point = point
        self._actor = actor
        self._groups = ReviewGroups(gallery)
        self.policy = policy

    # -- coming in ------------------------------------------------------------------------------

    def look_on(
        self, identification: Identification, face: CapturedFace, image: NDArray[np.uint8]
    ) -> Offer:
        """As `offer`, with the picture the face was found in, (h, w, 3) uint8 RGB."""
        if identification.decision != "unknown":
            return Offer("not_needed")
        return self.offer(identification, face, portrait_of(image, face, identification.source))

    def doubt(
        self, identification: Identification, face: CapturedFace, image: NDArray[np.uint8]
    ) -> Offer:
        """As `look_on`, also for a face that was named: a person says that the name is wrong."""
        if identification.decision == "refused":
            return Offer("not_needed")
        return self._offer(identification, face, portrait_of(image, face, identification.source))

    def offer(
        self, identification: Identification, face: CapturedFace, portrait: Portrait
    ) -> Offer:
        """Queue a face that was not named, unless it is there, or somebody said no to it.

        Args:
            identification: the answer that was given for it.
        """
        if identification.decision != "unknown":
            return Offer("not_needed")
        return self._offer(identification, face, portrait)

    def _offer(
        self, identification: Identification, face: CapturedFace, portrait: Portrait
    ) -> Offer:
        if self._gallery.reached.away is not None:
            return Offer("away")
        priors = self._open_models().backbone.priors
        same = priors.same_person
        best = identification.candidates[0].subject_id if identification.candidates else None
        if self._vetoes.known(face.embedding, best, same) is not None:
            return Offer("ignored")
        new = self._sighting(identification, face, portrait, priors)
        if self._is_there(new, self._gallery.sightings(self._passage_start(_now())), same):
            return Offer("seen_already")
        if self._gallery.has_sighting(new.image):
            return Offer("seen_already")
        with self._gallery.change(self._actor, raises_generation=False) as change:
            return self._queue(change, new, same)

    def _queue(self, change: Change, new: NewSighting, same: float) -> Offer:
        """Under the lock: another door may have been quicker, or the person is gone."""
        change.check_backbone(self._roster.fingerprint)
        people = change.subjects()
        if any(s is not None and s not in people for s in (new.nearest, new.rival)):
            return Offer("erased")
        recent = change.sightings(self._passage_start(change.at))
        if self._is_there(new, recent, same) or change.has_sighting(new.image):
            return Offer("seen_already")
        sighting_id = change.add_sighting(new)
        return Offer("queued", sighting_id, self._drop_old(change))

    def _sighting(
        self,
        answer: Identification,
        face: CapturedFace,
        portrait: Portrait,
        priors: ScorePriors,
    ) -> NewSighting:
        threshold = self._point().threshold
        near_from = self.policy.near_from(threshold, priors)
        near = answer.score is not None and answer.score >= near_from
        kind = UNKNOWN
        if near:
            kind = NEAR_MISS if answer.head_agrees else DISAGREEMENT
        if answer.decision == "known":
            kind = NAMED
        nearest, rival = self._looks_like(answer, face, kind, priors.same_person)
        return NewSighting(
            kind=kind,
            nearest=nearest,
            rival=rival,
            image=portrait.image,
            details={
                **portrait.details,
                "frame": answer.frame,
                "score": answer.score,
                "margin": answer.margin,
                "threshold": threshold,
                "near_from": near_from,
                "head_agrees": answer.head_agrees,
                # For grouping and erasing without the backbone.
                "same_person": priors.same_person,
            },
            vector=face.embedding,
        )

    def _looks_like(
        self, answer: Identification, face: CapturedFace, kind: str, same: float
    ) -> tuple[str | None, str | None]:
        """Whom it looks like, and in a disagreement whom the index names. Nobody in the queue is
        tied to a person only because somebody has to be nearest."""
        if not answer.candidates:
            return None, None
        best = answer.candidates[0].subject_id
        row = self._roster.row(best)
        if kind == UNKNOWN and (row is None or float(row @ face.embedding) < same):
            return None, None
        matches = self._gallery.search(face.embedding[None], 1)[0]
        self._roster.check_backbone()
        rival = matches[0].subject_id if kind == DISAGREEMENT and matches else None
        return best, rival if rival != best else None

    def _passage_start(self, now: datetime) -> datetime:
        return now - timedelta(seconds=self.policy.passage_seconds)

    @staticmethod
    def _is_there(new: NewSighting, recent: Iterable[Sighting], same: float) -> bool:
        """Is it one passage with a face that was queued a moment ago at the same source?"""
        return any(
            other.details["source"] == new.details["source"]
            and float(other.vector @ new.vector) >= same
            for other in recent
        )

    # -- going out by itself --------------------------------------------------------------------

    def expire(self) -> int:
        """Drop what is beyond the queue's limits in days and number; returns how many that were."""
        count, oldest = self._gallery.queue_size()
        if oldest is None or (oldest >= self._oldest(_now()) and count <= self.policy.most):
            return 0
        with self._gallery.change(self._actor, raises_generation=False) as change:
            return self._drop_old(change)

    def _drop_old(self, change: Change) -> int:
        dropped = change.drop_old_sightings(self._oldest(change.at), self.policy.most)
        if dropped:
            change.record("review.expire", "", {"sightings": dropped})
        return dropped

    def _oldest(self, now: datetime) -> datetime:
        return now - timedelta(days=self.policy.days)

    # -- looking at it --------------------------------------------------------------------------

    def groups(self) -> list[Cluster]:
        """The queue, grouped by likeness, the largest group first; whom each looks like is not
        asked, which takes longest."""
        self.expire()
        return self._groups.current()

    def clusters(self) -> list[Cluster]:
        """As `groups`, each with whom it looks like."""
        return [self._with_nearest(group) for group in self.groups()]

    def likest(self, group: Cluster) -> list[Candidate]:
        """The enrolled whom a group is nearest to, the nearest first; a name that somebody said no
        to is not among them."""
        vectors = np.stack([sighting.vector for sighting in group.sightings])
        row = imprint(vectors, vectors.shape[1])
        (ranking,) = self._roster.rank(row[None])
        return [
            Candidate(subject_id, self._roster.subject(subject_id).name, score)
            for subject_id, score in zip(ranking.subject_ids, ranking.scores, strict=True)
            if self._vetoes.against(row, subject_id, group.same_person) is None
        ]

    def let_go(self) -> None:
        """Keep no face in memory until the next look."""
        self._groups.let_go()

    def portraits(self, sighting_ids: Collection[str]) -> dict[str, NDArray[np.uint8]]:
        """The pictures of those that are still in the queue, (h, w, 3) uint8 RGB each."""
        images = self._gallery.sighting_images(sighting_ids)
        return {i: open_portrait(images[i]) for i in sighting_ids if i in images}

    def _with_nearest(self, group: Cluster) -> Cluster:
        likest = self.likest(group)
        return group.proposing(likest[0]) if likest else group


def _now() -> datetime:
    return datetime.now(UTC)
