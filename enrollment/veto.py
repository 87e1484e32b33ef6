"""No means no: faces that somebody said no to, and the names that they take back.

A name is vetoed where the probe is nearer to a face that is not this person (or is nobody's) than
to the person's own row. Nearer, so that a stranger who looks like Anna costs Anna nothing: with
1,200 strangers remembered, 2 of 4,159 photos of enrolled people of LFW lost their name, and 31 of
37 further photos of wrongly named visitors did (`python -m benchmarks.vetoes`).
"""

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from enrollment.roster import Roster
from store.gallery import Gallery
from store.records import Negatives


class Vetoes:
    """Follows the gallery by generation; every answer is about its newest state.

    `at_least` is the backbone's `same_person`: below it two faces are not taken for one person,
    and a face that was said no to says nothing of the other.
    """

    def __init__(self, gallery: Gallery, roster: Roster) -> None:
        self._gallery = gallery
        self._roster = roster
        self._negatives: Negatives | None = None
        self._lock = threading.Lock()

    def against(self, probe: NDArray[np.float32], subject_id: str, at_least: float) -> str | None:
        """The face that forbids to give this probe, (dimension,), this name: its id, or None."""
        found = self._current()
        concerned = [owner in (None, subject_id) for owner in found.subject_ids]
        return self._nearest(found, np.asarray(concerned, bool), probe, subject_id, at_least)

    def known(
        self, probe: NDArray[np.float32], subject_id: str | None, at_least: float
    ) -> str | None:
        """The face that this probe was said no to as, whoever it was not: its id, or None.

        Args:
            subject_id: whom the probe is nearest to; None when nobody is enrolled.
        """
        found = self._current()
        everybody = np.ones(len(found.ids), bool)
        return self._nearest(found, everybody, probe, subject_id, at_least)

    def like(self, vectors: NDArray[np.float32], subject_id: str, at_least: float) -> Sequence[str]:
        """The faces that speak against this subject and look like one of (n, dimension): ids."""
        found = self._current()
        if not len(found.ids) or not len(vectors):
            return ()
        alike = (found.vectors @ vectors.T).max(axis=1) >= at_least
        return [
            found.ids[i]
            for i in np.flatnonzero(alike)
            if found.subject_ids[i] in (None, subject_id)
        ]

    def _nearest(
        self,
        found: Negatives,
        concerned: NDArray[np.bool_],
        probe: NDArray[np.float32],
        subject_id: str | None,
        at_least: float,
    ) -> str | None:
        if not concerned.any():
            return None
        likeness = np.where(concerned, found.vectors @ probe, -np.inf)
        best = int(likeness.argmax())
        if likeness[best] < at_least:
            return None
        row = None if subject_id is None else self._roster.row(subject_id)
        if row is not None and likeness[best] < row @ probe:
            return None
        return found.ids[best]

    def _current(self) -> Negatives:
        with self._lock:
            generation = self._gallery.generation()
            if self._negatives is None or self._negatives.generation != generation:
                self._negatives = self._gallery.negatives()
            self._roster.check_backbone()
            return self._negatives
