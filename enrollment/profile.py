"""One person whole: what is kept, how well it serves, and who is near.

Everything here asks the database for this person alone, so it is as quick in a gallery of ten
thousand as in one of ten.
"""

from collections.abc import Callable, Collection, Sequence

from enrollment.calibration import OperatingPoint
from enrollment.dossier import write_dossier
from enrollment.left_out import LeftOut, leave_photos_out
from enrollment.looks import Looks
from enrollment.neighbours import Neighbour, likeness_of, neighbours
from enrollment.portrait import thumbnail_of
from enrollment.roster import Roster
from models.backbone import ScorePriors
from store.gallery import Gallery
from store.records import HeadVersion, NightCount, Sample, Subject

KeptPhoto = Sample  # as the doors call it


class Profiles:
    """Reads one person at a time. Built by the service."""

    def __init__(
        self,
        gallery: Gallery,
        roster: Roster,
        point: Callable[[], OperatingPoint],
        priors: Callable[[], ScorePriors],
        actor: str,
        looks: Looks,
    ) -> None:
        self._gallery = gallery
        self._roster = roster
        self._point = point
        self._priors = priors
        self._actor = actor
        self._looks = looks

    def family(self, subject_id: str) -> list[Subject]:
        """The subject of this id and all that were merged into it, itself first; empty where there
        is none."""
        return self._gallery.family(subject_id)

    def some(self, subject_ids: Sequence[str]) -> dict[str, Subject]:
        """Those of these that are there; templates of who was merged into them are not counted."""
        return self._gallery.some_subjects(subject_ids)

    def same_name(self, name: str, other_than: str) -> list[Subject]:
        """Others of this name."""
        return [s for s in self._gallery.namesakes(name, None) if s.subject_id != other_than]

    def faces(self, subject_ids: Collection[str], side: int = 112) -> dict[str, bytes]:
        """The newest kept face of each, a JPEG of `side` px a side; who has none is left out."""
        newest = self._gallery.newest_samples(subject_ids)
        return {s: thumbnail_of(kept.image, kept.details, side) for s, kept in newest.items()}

    def photos(self, subject_id: str, newest: int | None = None) -> list[Sample]:
        """Kept photos of a person and of everyone merged into them, oldest first; the audit trail
        says who looked."""
        found = self._gallery.samples(self._members(subject_id), newest)
        if found:
            self._looks.person(subject_id)
        return found

    def left_out(self, subject_id: str) -> LeftOut:
        """How many of the photos would be found if they were not in the gallery."""
        threshold = self._point().threshold
        return leave_photos_out(self._gallery, self._roster, subject_id, threshold)

    def nights(self, subject_id: str) -> list[NightCount]:
        """What each night counted of this person's photos, oldest first."""
        return self._gallery.nights_of(self._members(subject_id))

    def neighbours(self, subject_id: str, most: int = 5) -> list[Neighbour]:
        """Who looks most like this person."""
        return neighbours(self._roster, subject_id, self._priors().collision, most)

    def likeness(self, one: str, other: str) -> Neighbour | None:
        """How alike two are; None when one of them cannot be found."""
        return likeness_of(self._roster, one, other, self._priors().collision)

    def heads(self, subject_id: str) -> list[HeadVersion]:
        """The kept versions of the head that saw this person, newest first."""
        return self._gallery.heads_that_saw(self._members(subject_id))

    def dossier(self, subject_id: str) -> bytes:
        """Everything about a person as one zip file; the audit trail says that it was made.

        Raises:
            BadInput: nobody has this id.
        """
        return write_dossier(self._gallery, subject_id, self._actor)

    def _members(self, subject_id: str) -> list[str]:
        return [s.subject_id for s in self._gallery.family(subject_id)]
