"""Where pure work is done: here, or in processes that have no key, no names and no database."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from enrollment.ahead import AT_ONCE
from enrollment.capture import Capture
from enrollment.reasons import Reason
from enrollment.reembedding import Kept, reembed
from enrollment.sight import Seen, look_at
from models.head_trainer import HeadTrainer
from models.learners import Learner, Lesson
from store.records import GalleryFacts

# Opens a detector and a backbone in another process; holds their names and folders alone.
Opener = Callable[[], Capture]
Rows = NDArray[np.float32]


class Eyes(Protocol):
    """One detector and backbone, wherever they are. Safe to share between threads."""

    @property
    def at_once(self) -> int:
        """Photos that are worth being looked at together."""

    @property
    def batches(self) -> int:
        """Batches of kept photos that are worth being embedded together."""

    def see(self, data: bytes) -> Seen | Reason:
        """As `sight.look_at`."""

    def reembed(self, photos: Sequence[Kept]) -> list[Rows | None]:
        """As `reembedding.reembed`."""


class Trainings(Protocol):
    def heads(
        self, learner: Learner, lessons: Iterable[Lesson], of: int, tick: Callable[[float], None]
    ) -> Iterator[Rows]:
        """As `HeadTrainer.heads`."""


class Workplace(Protocol):
    def eyes(self, capture: Capture, facts: GalleryFacts, opens: Callable[[], Opener]) -> Eyes:
        """Eyes that see as `capture` does.

        Args:
            facts: their fingerprint and golden embeddings say whether others see the same.
            opens: what opens the same in another process.

        Raises:
            FingerprintMismatch, Unusable: others are there, and none sees the same.
        """

    def trainings(self, trainer: HeadTrainer) -> Trainings:
        """Trainings that give the rows that `trainer` gives."""


class OwnEyes:
    """In this process."""

    at_once = AT_ONCE
    batches = 1

    def __init__(self, capture: Capture) -> None:
        self._capture = capture

    def see(self, data: bytes) -> Seen | Reason:
        return look_at(data, self._capture)

    def reembed(self, photos: Sequence[Kept]) -> list[Rows | None]:
        return reembed(photos, self._capture)


class Here:
    """This process, with its threads."""

    def eyes(self, capture: Capture, facts: GalleryFacts, opens: Callable[[], Opener]) -> Eyes:
        return OwnEyes(capture)

    def trainings(self, trainer: HeadTrainer) -> Trainings:
        return trainer
