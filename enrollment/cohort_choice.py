"""Which strangers confidence is measured against here."""

import threading
from dataclasses import dataclass

from enrollment.cohort import COSINE, Cohort
from enrollment.cohort_file import cohort_of, shipped_cohort
from models.fingerprint import golden_agree
from store.gallery import Gallery
from store.records import GalleryFacts


@dataclass(frozen=True)
class CohortReport:
    """What serves, and what became of the photos it was made from. cohort: None where scores are
    plain cosines; own: brought on site; without_face, enrolled, repeated: photos left out because
    no face was found, because somebody enrolled may be on them, because the stranger is there
    already."""

    cohort: Cohort | None
    own: bool
    without_face: int = 0
    enrolled: int = 0
    repeated: int = 0

    def as_document(self) -> dict[str, object]:
        about = self.cohort.as_document() if self.cohort else {"kind": None, "formula": COSINE}
        return about | {
            "own": self.own,
            "without_face": self.without_face,
            "enrolled": self.enrolled,
            "repeated": self.repeated,
        }


class CohortChoice:
    """The cohort that was brought on site, else the one that comes with the backbone, else none.

    Follows the gallery by generation. That a shipped cohort was embedded by the gallery's backbone
    is proved by the golden embeddings of both, so that erasing needs no backbone; a cohort of the
    gallery was made by its own pipeline.
    """

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._generation = -1
        self._own: Cohort | None = None
        self._shipped: Cohort | None = None
        self._looked: str | None = None  # for which pipeline
        self._lock = threading.Lock()

    def current(self) -> Cohort | None:
        with self._lock:
            generation = self._gallery.generation()
            if generation != self._generation:
                stored = self._gallery.cohort()
                self._own = cohort_of(stored.vectors, dict(stored.details)) if stored else None
                self._generation = generation
            return self._own or self._that_comes_along()

    @property
    def is_own(self) -> bool:
        """The current one was brought on site."""
        return self.current() is not None and self._own is not None

    def _that_comes_along(self) -> Cohort | None:
        facts = self._gallery.facts
        if self._looked != facts.fingerprint:
            self._shipped = that_comes_along(facts)
            self._looked = facts.fingerprint
        return self._shipped


def that_comes_along(facts: GalleryFacts) -> Cohort | None:
    """The cohort that is shipped with just this backbone; None where none is."""
    found = shipped_cohort(facts.backbone)
    if found is None or not golden_agree(found.golden, facts.golden):
        return None
    return found.cohort
