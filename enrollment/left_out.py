"""How often would this person be found? Each photo in turn, as if it were not there.

The decision is that of `calibration.leave_subjects_out`, for one person alone: the photo is
searched for among everybody's rows, with the person's own row made of the other photos.
"""

from dataclasses import dataclass

import numpy as np

from enrollment.calibration import interval_95
from enrollment.roster import Roster
from models.head import imprint
from store.gallery import Gallery


@dataclass(frozen=True)
class LeftOut:
    """found: of the `tried` photos that were left out one at a time."""

    found: int
    tried: int

    @property
    def share(self) -> float | None:
        return self.found / self.tried if self.tried else None

    @property
    def interval_95(self) -> tuple[float, float] | None:
        return interval_95(self.found, self.tried) if self.tried else None


def leave_photos_out(
    gallery: Gallery, roster: Roster, subject_id: str, threshold: float
) -> LeftOut:
    """Search for each photo of a subject without it. With one photo, or suspended: nothing tried.

    Args:
        threshold: the operating point's, in scores.
    """
    mine = gallery.templates_of([subject_id])
    if len(mine.ids) < 2:
        return LeftOut(0, 0)
    rankings = roster.rank(mine.vectors, most=2)
    # The nearest template is the photo itself; the next one is what the index would say without it.
    nearest = gallery.search(mine.vectors, 2)
    roster.check_backbone()
    found = 0
    for i, (photo, ranking, matches) in enumerate(
        zip(mine.vectors, rankings, nearest, strict=True)
    ):
        rest = np.delete(mine.vectors, i, axis=0)
        own = float(photo @ imprint(rest, len(photo)))
        rivals = [
            cosine
            for name, cosine in zip(ranking.subject_ids, ranking.cosines, strict=True)
            if name != subject_id
        ]
        others = [match for match in matches if match.template_id != mine.ids[i]]
        first = own > max(rivals, default=-np.inf)
        agrees = bool(others) and others[0].subject_id == subject_id
        found += first and agrees and own - ranking.lowered >= threshold
    return LeftOut(found, len(mine.ids))
