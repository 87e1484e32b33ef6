"""How much of strangers is kept, and for how long: as little as the queue needs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReviewPolicy:
    """The limits of the review queue.

    most: faces in it; beyond that the oldest are dropped.
    days: a face nobody decided on is dropped after that many.
    passage_seconds: faces that are alike and come from one source within that time are one
        passage, of which one face is queued.
    near_share: a score is near the threshold from this share of what lies between the threshold
        and 1 below it on. A share, because the cosines of some backbones lie in a narrow band:
        0.3 is 0.014 under a threshold of 0.955 (dlib-resnet) and 0.16 under one of 0.47.
    """

    most: int = 2_000
    days: float = 30.0
    passage_seconds: float = 60.0
    near_share: float = 0.3

    def near_from(self, threshold: float) -> float:
        """The lowest score that counts as a near miss."""
        return threshold - self.near_share * (1 - threshold)
