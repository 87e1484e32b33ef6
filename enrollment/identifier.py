"""Who is this? Known, unknown, or refused: *unknown* is an answer, not a failure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enrollment.calibration import OperatingPoint
from enrollment.capture import Capture, CapturedFace
from enrollment.photo import Photo, decode
from enrollment.quality import PROBE_LIMITS, judge
from enrollment.reasons import Reason, ReasonCode
from enrollment.roster import Ranking, Roster


@dataclass(frozen=True)
class Candidate:
    """Somebody a probe was compared with; score: cosine, higher is closer."""

    subject_id: str
    name: str
    score: float


@dataclass(frozen=True)
class Identification:
    """The answer for one face.

    box: x, y, width, height in pixels; None when a photo has no face.
    score: the best candidate's, named or not; margin: to the second best subject.
    """

    source: str
    frame: int | None
    box: tuple[int, int, int, int] | None
    decision: str  # "known" | "unknown" | "refused"
    subject_id: str | None = None
    name: str | None = None
    score: float | None = None
    margin: float | None = None
    head_agrees: bool | None = None
    reasons: tuple[Reason, ...] = ()
    candidates: tuple[Candidate, ...] = ()

    def as_document(self) -> dict[str, object]:
        return {
            "source": self.source,
            "frame": self.frame,
            "box": list(self.box) if self.box else None,
            "decision": self.decision,
            "subject_id": self.subject_id,
            "name": self.name,
            "score": self.score,
            "margin": self.margin,
            "head_agrees": self.head_agrees,
            "reasons": [reason.code.value for reason in self.reasons],
            "message": "; ".join(reason.message for reason in self.reasons) or None,
            "candidates": [
                {"subject_id": c.subject_id, "name": c.name, "score": c.score}
                for c in self.candidates
            ],
        }


class Identifier:
    """Decides at an operating point that is always that of the present gallery."""

    def __init__(
        self, capture: Capture, roster: Roster, point: Callable[[], OperatingPoint]
    ) -> None:
        self._capture = capture
        self._roster = roster
        self._point = point

    def photo(self, photo: Photo) -> list[Identification]:
        """One answer a face, largest first; one refusal when there is none or it cannot be read."""
        picture = decode(photo)
        if isinstance(picture, Reason):
            return [Identification(photo.source, None, None, "refused", reasons=(picture,))]
        return self.image(picture.image, photo.source)

    def image(
        self, image: NDArray[np.uint8], source: str, frame: int | None = None
    ) -> list[Identification]:
        """The faces of an image or of a video's frame, (h, w, 3) uint8 RGB."""
        (faces,) = self._capture.faces([image])
        if not faces:
            reason = Reason(ReasonCode.NO_FACE, "no face was found; show the whole face")
            return [Identification(source, frame, None, "refused", reasons=(reason,))]
        return self.faces(faces, source, frame)

    def faces(
        self, faces: Sequence[CapturedFace], source: str, frame: int | None = None
    ) -> list[Identification]:
        rankings = self._roster.rank(np.stack([face.embedding for face in faces]))
        threshold = self._point().threshold
        return [
            self._decide(face, ranking, threshold, source, frame)
            for face, ranking in zip(faces, rankings, strict=True)
        ]

    def _decide(
        self,
        face: CapturedFace,
        ranking: Ranking,
        threshold: float,
        source: str,
        frame: int | None,
    ) -> Identification:
        reasons = tuple(judge(face.quality, PROBE_LIMITS))
        if reasons:
            return Identification(source, frame, face.face.box, "refused", reasons=reasons)
        candidates = tuple(
            Candidate(subject_id, self._roster.subject(subject_id).name, score)
            for subject_id, score in zip(ranking.subject_ids, ranking.scores, strict=True)
        )
        best = candidates[0] if candidates else None
        known = best is not None and bool(ranking.head_agrees) and best.score >= threshold
        return Identification(
            source=source,
            frame=frame,
            box=face.face.box,
            decision="known" if known else "unknown",
            subject_id=best.subject_id if best and known else None,
            name=best.name if best and known else None,
            score=best.score if best else None,
            margin=best.score - candidates[1].score if best and len(candidates) > 1 else None,
            head_agrees=ranking.head_agrees,
            candidates=candidates,
        )
