"""Who of here may be somebody of another site: by staff number, by likeness, or by name alone."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from enrollment.enroller import Collision
from enrollment.identifier import Candidate
from enrollment.merge_report import LeftOutReason
from enrollment.portrait import crop_of
from enrollment.roster import Roster
from models.head import imprint
from store.carried import Carried, CarriedSample
from store.gallery import Gallery
from store.records import Subject

_NEAREST = 50  # more than could be this near: who came from there before is passed over
_SIDE = 112
_EVERYBODY = 1 << 40


@dataclass(frozen=True)
class Twin(Collision):
    """Somebody of there who may be somebody of here.

    external_id: the number of there; why: the strongest sign. near_state: of the one of here.
    """

    external_id: str | None = None
    why: LeftOutReason = LeftOutReason.MAYBE_SAME
    near_state: str = "active"


class Counterparts:
    """Finds them in one gallery.

    limit: the cosine from which on two are perhaps one person, the backbone's `collision`.
    theirs: every id of the other site, who are told apart there already.
    """

    def __init__(
        self, gallery: Gallery, roster: Roster, limit: float, theirs: frozenset[str]
    ) -> None:
        self._gallery = gallery
        self._roster = roster
        self._limit = limit
        self._theirs = theirs
        self._hidden: dict[str, NDArray[np.float32] | None] = {}

    def of(self, family: Sequence[Carried]) -> list[Twin]:
        """Those of here who may be this person, the strongest sign first.

        Args:
            family: a person of there and everybody merged into them, the person first.
        """
        person = family[0].subject
        row = row_of(family)
        scores: dict[str, float] = {}
        why: dict[str, LeftOutReason] = {}
        for number in sorted({one.subject.external_id or "" for one in family} - {""}):
            owner = self._gallery.owner_of_external_id(number)
            if owner is not None:
                why[self._answering(owner)] = LeftOutReason.SAME_NUMBER
        if row is not None:
            for subject_id, cosine in self._alike(row).items():
                scores[subject_id] = cosine
                why.setdefault(subject_id, LeftOutReason.MAYBE_SAME)
        for named in self._gallery.namesakes(person.name):
            why.setdefault(named.subject_id, LeftOutReason.SAME_NAME)
        here = self._gallery.some_subjects([s for s in why if s not in self._theirs])
        return [
            self._twin(family, here[s], why[s], scores.get(s, self._score(row, s)))
            for s in sorted(here, key=lambda s: (list(LeftOutReason).index(why[s]), s))
        ]

    def _twin(
        self, family: Sequence[Carried], near: Subject, why: LeftOutReason, score: float
    ) -> Twin:
        person = family[0].subject
        twin = Twin(
            person.name,
            face_of(family),
            Candidate(near.subject_id, near.name, score),
            self._limit,
        )
        return replace(twin, external_id=person.external_id, why=why, near_state=near.state)

    def _alike(self, row: NDArray[np.float32]) -> dict[str, float]:
        (ranking,) = self._roster.rank(row[None], most=_NEAREST)
        found = dict(zip(ranking.subject_ids, ranking.cosines, strict=True))
        found |= {s: float(hidden @ row) for s, hidden in self._suspended().items()}
        return {s: cosine for s, cosine in found.items() if cosine >= self._limit}

    def _score(self, row: NDArray[np.float32] | None, subject_id: str) -> float:
        own = self._roster.row(subject_id)
        if own is None:
            own = self._suspended().get(subject_id)
        return 0.0 if row is None or own is None else float(own @ row)

    def _suspended(self) -> dict[str, NDArray[np.float32]]:
        """Rows of those whom no search finds; they are people of here all the same."""
        people, _ = self._gallery.page_of_subjects(states=("suspended",), limit=_EVERYBODY)
        for subject_id in {p.subject_id for p in people} - self._hidden.keys():
            vectors = self._gallery.vectors_of(self._gallery.family_of(subject_id))
            self._hidden[subject_id] = imprint(vectors, vectors.shape[1]) if len(vectors) else None
        rows = {p.subject_id: self._hidden[p.subject_id] for p in people}
        return {s: row for s, row in rows.items() if row is not None}

    def _answering(self, subject_id: str) -> str:
        found = self._gallery.some_subjects([subject_id])[subject_id]
        return subject_id if found.merged_into is None else self._answering(found.merged_into)


def row_of(family: Sequence[Carried]) -> NDArray[np.float32] | None:
    """(dimension,): the mean of a person's templates; None where there is none."""
    rows = [v for one in family for sample in one.samples for v in sample.templates.values()]
    return imprint(np.stack(rows), len(rows[0])) if rows else None


def face_of(family: Sequence[Carried]) -> NDArray[np.uint8]:
    """The newest face of a person, (112, 112, 3) uint8 RGB; grey where none can be shown."""
    photos = [sample for one in family for sample in one.samples]
    for sample in sorted(photos, key=lambda s: s.captured_at, reverse=True)[:1]:
        crop = crop_or_none(sample)
        if crop is not None:
            return crop
    return np.full((_SIDE, _SIDE, 3), 128, np.uint8)


def crop_or_none(sample: CarriedSample) -> NDArray[np.uint8] | None:
    """The face of a photo that is carried; None where its place was not kept."""
    return crop_of(sample.image, sample.details) if "landmarks" in sample.details else None


def refuse_twin(_twin: Collision) -> str:
    return "cancel"


def same_where_alike(twin: Collision) -> str:
    """One person where they look it; a number or a name alone is left for somebody to look at."""
    return "same" if twin.near.score >= twin.limit else "cancel"
