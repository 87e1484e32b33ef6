"""Who is this? Known, unknown, or refused: *unknown* is an answer, not a failure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from enrollment.calibration import OperatingPoint
from enrollment.capture import Capture, CapturedFace
from enrollment.near_pairs import needed_margins
from enrollment.photo import Photo, decode
from enrollment.quality import PROBE_LIMITS, judge
from enrollment.reasons import Reason, ReasonCode
from enrollment.roster import Ranking, Roster
from enrollment.tally import Tally
from enrollment.veto import Vetoes
from wording.message import message


@dataclass(frozen=True)
class Candidate:
    """Somebody a probe was compared with; score: cosine less what the cohort takes from it."""

    subject_id: str
    name: str
    score: float


@dataclass(frozen=True)
class Identification:
    """The answer for one face.

    box: x, y, width, height in pixels; None when a photo has no face.
    score: the best candidate's, named or not; margin: to the second best subject.
    vetoed: somebody said of a face like this one that it is not the best candidate.
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
    vetoed: bool = False

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
            "vetoed": self.vetoed,
        }


# Told of each face as it is answered, with the picture it was found in, (h, w, 3) uint8 RGB.
Onlooker = Callable[[Identification, CapturedFace, NDArray[np.uint8]], None]


class Identifier:
    """Decides at an operating point that is always that of the present gallery."""

    def __init__(
        self,
        capture: Capture,
        roster: Roster,
        vetoes: Vetoes,
        point: Callable[[], OperatingPoint],
        tally: Tally | None = None,
    ) -> None:
        self._capture = capture
        self._roster = roster
        self._vetoes = vetoes
        self._point = point
        self.tally = tally or Tally()
        self.has_recognised = False  # anybody, since this was made

    def photo(self, photo: Photo, onlooker: Onlooker | None = None) -> list[Identification]:
        """One answer a face, largest first; one refusal when there is none or it cannot be read."""
        picture = decode(photo)
        if isinstance(picture, Reason):
            refused = Identification(photo.source, None, None, "refused", reasons=(picture,))
            return self._counted([refused])
        return self.image(picture.image, photo.source, onlooker=onlooker)

    def image(
        self,
        image: NDArray[np.uint8],
        source: str,
        frame: int | None = None,
        onlooker: Onlooker | None = None,
    ) -> list[Identification]:
        """The faces of an image or of a video's frame, (h, w, 3) uint8 RGB."""
        (faces,) = self._capture.faces([image])
        if not faces:
            reason = Reason(ReasonCode.NO_FACE, message("no face was found; show the whole face"))
            refused = Identification(source, frame, None, "refused", reasons=(reason,))
            return self._counted([refused])
        answers = self._counted(self.faces(faces, source, frame))
        if onlooker is not None:
            for answer, face in zip(answers, faces, strict=True):
                onlooker(answer, face, image)
        return answers

    def faces(
        self, faces: Sequence[CapturedFace], source: str, frame: int | None = None
    ) -> list[Identification]:
        rankings = self._roster.rank(np.stack([face.embedding for face in faces]))
        point = self._point()
        self._roster.check_backbone()  # else the threshold is of other scores
        margins = needed_margins(point.near_pairs)
        return [
            self._heed(face, self._decide(face, ranking, point.threshold, margins, source, frame))
            for face, ranking in zip(faces, rankings, strict=True)
        ]

    def together(
        self,
        seen: Sequence[tuple[CapturedFace, float]],
        shown: CapturedFace,
        source: str,
        frame: int | None,
    ) -> Identification:
        """One answer for one person's faces, each with its weight, > 0.

        The candidates are those of the weighted mean embedding; a score is the mean of what the
        single faces score. The score of the mean would be higher, of strangers' faces too, and the
        threshold is that of single photos: with dlib-resnet 2.3 % of strangers with four photos
        would be named where 1 % was asked. So 0.1 % are, and with two faces 98.3 % of colleagues
        are found, where one finds 96.0 (`python -m benchmarks.fused_faces`).

        Args:
            shown: the face that the answer is about: its box and quality.
        """
        embeddings = np.stack([face.embedding for face, _ in seen])
        weights = np.array([weight for _, weight in seen])
        weights = weights / weights.sum()
        mean = weights @ embeddings.astype(np.float64)
        length = float(np.linalg.norm(mean))
        fused = (mean / max(length, 1e-9)).astype(np.float32)
        (ranking,) = self._roster.rank(fused[None])
        lowered = float(weights @ self._roster.lowering(embeddings))
        scores = tuple(length * cosine - lowered for cosine in ranking.cosines)
        point = self._point()
        self._roster.check_backbone()  # else the threshold is of other scores
        face = replace(shown, embedding=fused)
        answer = self._decide(
            face,
            replace(ranking, scores=scores, lowered=lowered),
            point.threshold,
            needed_margins(point.near_pairs),
            source,
            frame,
        )
        return self._heed(face, answer)

    def _counted(self, answers: list[Identification]) -> list[Identification]:
        for answer in answers:
            self.tally.decided("identify", answer.decision)
        return answers

    def _heed(self, face: CapturedFace, answer: Identification) -> Identification:
        """Take a name back that somebody said a face like this one does not have."""
        if answer.decision == "refused" or not answer.candidates:
            return answer
        best = answer.candidates[0].subject_id
        same = self._capture.backbone.priors.same_person
        if self._vetoes.against(face.embedding, best, same) is None:
            self.has_recognised = self.has_recognised or answer.decision == "known"
            return answer
        return replace(answer, decision="unknown", subject_id=None, name=None, vetoed=True)

    def _decide(
        self,
        face: CapturedFace,
        ranking: Ranking,
        threshold: float,
        margins: Mapping[frozenset[str], float],
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
        known = (
            best is not None
            and bool(ranking.head_agrees)
            and best.score >= threshold
            and _apart(candidates, margins)
        )
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


def _apart(candidates: Sequence[Candidate], margins: Mapping[frozenset[str], float]) -> bool:
    """Is the best candidate as clearly ahead of those who look alike as is needed?"""
    best, *others = candidates
    return all(
        best.score - other.score >= margins.get(frozenset((best.subject_id, other.subject_id)), 0)
        for other in others
    )
