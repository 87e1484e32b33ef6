"""What is known so far of one person who is passing: what was seen, and what it says together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from enrollment.capture import CapturedFace, FoundFace
from enrollment.evidence import Evidence, best, fuse, likeness, strongest
from enrollment.identifier import Identification
from enrollment.proof import Proof
from enrollment.quality import usefulness


@dataclass(frozen=True)
class Look:
    """A face of one frame that could be embedded.

    aligned: as the backbone wants it; weight: how much its embedding would say; image: the frame,
    kept only where somebody looks on.
    """

    found: FoundFace
    frame: int
    seconds: float
    aligned: NDArray[np.uint8]
    image: NDArray[np.uint8] | None = None

    @property
    def weight(self) -> float:
        return usefulness(self.found.quality)

    def embedded(self, embedding: NDArray[np.float32]) -> Evidence:
        face = CapturedFace(self.found.face, self.found.quality, self.found.crop, embedding)
        return Evidence(face, self.frame, self.seconds, self.weight, self.image)


@dataclass(eq=False)
class Walk:
    """evidence is of one person alone; what is unlike it waits in `doubts`, and is never mixed in.

    now: the face in the newest frame in which it was seen.
    look: the best face since the last one that was embedded.
    seen: the best face of all, embedded or not, and its frame.
    prominence: of every frame in which it was seen, summed.
    """

    track: int
    first_frame: int
    started: float
    last_frame: int = 0
    ended: float = 0.0
    frames: int = 0
    prominence: float = 0.0
    embedded: int = 0
    embedded_at: float | None = None
    set_aside: int = 0
    now: FoundFace | None = None
    look: Look | None = None
    seen: tuple[FoundFace, int] | None = None
    evidence: list[Evidence] = field(default_factory=list)
    doubts: list[Evidence] = field(default_factory=list)
    answer: Identification | None = None  # once it was given
    proof: Proof | None = None  # of liveness, where one is required

    def appear(self, found: FoundFace, frame: int, seconds: float, prominence: float) -> None:
        self.last_frame, self.ended, self.now = frame, seconds, found
        self.frames += 1
        self.prominence += prominence
        if self.seen is None or usefulness(found.quality) > usefulness(self.seen[0].quality):
            self.seen = (found, frame)

    def admit(self, new: Evidence, same_person: float, most: int) -> bool:
        """Take in one more embedded face. False when this is somebody else by now.

        One face that is unlike the others may be a bad one and waits; a second one that is like
        it is another person, who has taken this one's place.
        """
        self.embedded += 1
        self.embedded_at = new.seconds
        self.look = None
        if not self.evidence or likeness(self.evidence, [new]) >= same_person:
            self.set_aside += len(self.doubts)
            self.doubts = []
            self.evidence = strongest([*self.evidence, new], most)
            return True
        if self.doubts and likeness(self.doubts, [new]) >= same_person:
            self.doubts = [*self.doubts, new]
            return False
        self.set_aside += len(self.doubts)
        self.doubts = [new]
        return True

    def succeeded_by(self, track: int) -> "Walk":
        """Whoever took this one's place; takes the doubts along."""
        first = self.doubts[0]
        other = Walk(track, first.frame, first.seconds, self.last_frame, self.ended)
        other.frames, other.embedded = len(self.doubts), len(self.doubts)
        other.embedded_at = self.embedded_at
        other.evidence, self.doubts = self.doubts, []
        other.seen = (best(other.evidence).face, best(other.evidence).frame)
        self.embedded -= other.embedded
        return other

    def resumed(self, later: "Walk", most: int) -> None:
        """The same person again, after being out of sight."""
        self.last_frame, self.ended = later.last_frame, later.ended
        self.frames += later.frames
        self.prominence += later.prominence
        self.embedded += later.embedded
        self.set_aside += later.set_aside
        self.embedded_at = later.embedded_at
        self.evidence = strongest([*self.evidence, *later.evidence], most)
        self.doubts = later.doubts
        self.look = later.look
        self.now = later.now
        self.answer = self.answer or later.answer
        self.proof = self.proof or later.proof

    def like(self, others: Sequence["Walk"], same_person: float) -> "Walk | None":
        """The one of the others that is most alike, if any is this person."""
        alike = [(likeness(self.evidence, o.evidence), o) for o in others if o.evidence]
        found, other = max(alike, key=lambda pair: pair[0], default=(-1.0, None))
        return other if found >= same_person else None

    @property
    def answered(self) -> bool:
        return self.answer is not None

    @property
    def best_frame(self) -> int:
        return best(self.evidence).frame

    def fused(self) -> CapturedFace:
        """The best face, with what all of them say together as its embedding."""
        face = best(self.evidence).face
        return CapturedFace(face.face, face.quality, face.crop, fuse(self.evidence))
