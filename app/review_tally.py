"""Counts what became of the faces that a command offered to the review queue."""

from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from enrollment.capture import CapturedFace
from enrollment.identifier import Identification
from enrollment.review_queue import Offer

Offering = Callable[[Identification, CapturedFace, NDArray[np.uint8]], Offer]


class ReviewTally:
    """An onlooker that passes each face on and remembers the answers."""

    def __init__(self, offer: Offering) -> None:
        self._offer = offer
        self._outcomes: Counter[str] = Counter()
        self._dropped = 0
        self._ids: list[str] = []

    def __call__(
        self, answer: Identification, face: CapturedFace, image: NDArray[np.uint8]
    ) -> None:
        offer = self._offer(answer, face, image)
        self._outcomes[offer.outcome] += 1
        self._dropped += offer.dropped
        if offer.sighting_id is not None:
            self._ids.append(offer.sighting_id)

    @property
    def queued(self) -> int:
        return len(self._ids)

    def as_document(self) -> dict[str, object]:
        return {
            "sightings": self._ids,
            "seen_already": self._outcomes["seen_already"],
            "ignored": self._outcomes["ignored"],
            "not_needed": self._outcomes["not_needed"],
            "dropped": self._dropped,
        }

    def sentence(self) -> str:
        parts = [
            f"{self._outcomes['queued']} faces to review",
            f"{self._outcomes['seen_already']} were seen already",
            f"{self._outcomes['ignored']} were said no to before",
        ]
        if self._dropped:
            parts.append(f"{self._dropped} old ones were dropped: too many, or too long ago")
        return "; ".join(parts) + "; see: rollcall review list"
