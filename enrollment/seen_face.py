"""A face that was seen somewhere and may be enrolled, and the hand-over that keeps it single."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from enrollment.capture import CapturedFace
from enrollment.portrait import Portrait
from enrollment.reasons import Reason
from store.change import Change


@dataclass(frozen=True)
class SeenFace:
    """A face with what is kept of it.

    source: its id where it lies now. lineage: where it came from, kept with the sample.
    reasons: why it is not to be enrolled, known beforehand.
    """

    source: str
    face: CapturedFace
    portrait: Portrait
    lineage: Mapping[str, object]
    reasons: tuple[Reason, ...] = ()


class Handover(Protocol):
    """Moves faces from where they lie into the gallery, in the transaction that enrolls them."""

    def here(self, change: Change) -> Collection[str]:
        """Those that nobody else has taken, by `SeenFace.source`."""
        ...

    def take(self, change: Change, subject_id: str, sources: Sequence[str]) -> None:
        """These were enrolled."""
        ...
