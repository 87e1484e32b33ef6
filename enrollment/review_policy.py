"""How much of strangers is kept, and for how long: as little as the queue needs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # settings are read by every command, also by those that load no model
    from models.backbone import ScorePriors


@dataclass(frozen=True)
class ReviewPolicy:
    """The limits of the review queue.

    most: faces in it; beyond that the oldest are dropped.
    days: a face nobody decided on is dropped after that many.
    passage_seconds: faces that are alike and come from one source within that time are one
        passage, of which one face is queued.
    near_share: a score is near the threshold from this share of the backbone's own scale below it
        on: of what lies between the likeness of two photos of one person and its threshold. A
        difference of cosines, because the cosines of some backbones lie in a narrow band, and
        because a cohort moves all scores of a probe by the same amount.
    """

    most: int = 2_000
    days: float = 30.0
    passage_seconds: float = 60.0
    near_share: float = 0.5

    def near_from(self, threshold: float, priors: "ScorePriors") -> float:
        """The lowest score that counts as near this threshold."""
        return threshold - self.near_share * max(priors.threshold - priors.same_person, 0.0)
