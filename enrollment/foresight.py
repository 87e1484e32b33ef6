"""Says before enrolling what it will be good for: an outlook from the gallery as it is now."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enrollment.calibration import OperatingPoint
from enrollment.enroller import Preview
from enrollment.outlook import Outlook, Scatter, find_rate, missing_views, scatter_of
from enrollment.roster import Roster
from models.head import imprint
from store.gallery import Gallery


@dataclass(frozen=True)
class Verdict:
    """What enrolling would do, and what it would be good for."""

    preview: Preview
    outlook: Outlook

    @property
    def promising(self) -> bool:
        """Some photo would be kept, and nobody enrolled looks the same."""
        return any(s.accepted for s in self.preview.samples) and self.preview.collision is None

    def as_document(self) -> dict[str, object]:
        near = self.preview.collision
        return {
            "subject_id": self.preview.existing.subject_id if self.preview.existing else None,
            "name": self.preview.name,
            "samples": [sample.as_document() for sample in self.preview.samples],
            "outlook": self.outlook.as_document(),
            "message": self.outlook.words,
            "collision": (
                {"subject_id": near.near.subject_id, "name": near.near.name,
                 "likeness": near.near.score} if near else None
            ),
        }  # fmt: skip


class Foresight:
    """Follows the gallery by generation."""

    def __init__(
        self, gallery: Gallery, roster: Roster, point: Callable[[], OperatingPoint]
    ) -> None:
        self._gallery = gallery
        self._roster = roster
        self._point = point
        self._scatter: Scatter | None = None
        self._generation = -1
        self._lock = threading.Lock()

    def verdict(self, preview: Preview) -> Verdict:
        own = preview.existing.subject_id if preview.existing else None
        return Verdict(preview, self.outlook(preview.vectors, preview.yaws, own))

    def outlook(
        self, vectors: NDArray[np.float32], yaws: Sequence[float], own: str | None = None
    ) -> Outlook:
        """What photos are good for.

        Args:
            vectors: (n, dimension) unit rows; yaws: degrees of each; own: whose they are, if
                somebody's who is enrolled.
        """
        if not len(vectors):
            return Outlook(0, None, None, None, None, missing_views(yaws))
        scatter = self._gallery_scatter()
        rate = with_one_more = None
        if scatter is not None:
            lowered, threshold = self._roster.lowering(vectors), self._point().threshold
            rate = find_rate(vectors, lowered, threshold, scatter)
            with_one_more = find_rate(vectors, lowered, threshold, scatter, more=1)
        (ranking,) = self._roster.rank(imprint(vectors, vectors.shape[1])[None], most=2)
        others = [
            (subject_id, cosine)
            for subject_id, cosine in zip(ranking.subject_ids, ranking.cosines, strict=True)
            if subject_id != own
        ]
        nearest, likeness = others[0] if others else (None, None)
        return Outlook(
            photos=len(vectors),
            find_rate=rate,
            nearest=nearest,
            nearest_name=self._roster.subject(nearest).name if nearest else None,
            likeness=likeness,
            missing=missing_views(yaws),
            with_one_more=with_one_more,
        )

    def _gallery_scatter(self) -> Scatter | None:
        with self._lock:
            templates = self._gallery.templates()
            if templates.generation != self._generation:
                lowered = self._roster.lowering(templates.vectors) if templates.ids else None
                self._scatter = (
                    None
                    if lowered is None
                    else scatter_of(templates.vectors, templates.subject_ids, lowered)
                )
                self._generation = templates.generation
            return self._scatter
