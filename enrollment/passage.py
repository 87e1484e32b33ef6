"""One decision for one person who passes a camera, from the best frames of the passage.

Every frame is searched for faces, which is cheap; the backbone runs only on chosen ones: spaced in
time, when a clearly better face comes, and at most a few a passage.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from enrollment.calibration import OperatingPoint
from enrollment.camera_budget import CameraBudget
from enrollment.capture import Capture, FoundFace, prominence
from enrollment.evidence import LEAST_WEIGHT, Evidence, best
from enrollment.identifier import Identification, Identifier, Onlooker
from enrollment.liveness import Challenge
from enrollment.proof import Proof
from enrollment.quality import PROBE_LIMITS, judge, usefulness
from enrollment.reasons import Reason, ReasonCode
from enrollment.tracking import Tracker
from enrollment.walk import Look, Walk
from wording.message import message

# Two people in a video are seen alike when the lesser has this share of the other's prominence.
_ALIKE = 0.9
_REAL_FROM = 0.5  # as deepface decides: the class of real faces is the likeliest
_STRAIGHT = 15.0  # degrees of yaw: the faces that are embedded during a challenge


Realness = Callable[[NDArray[np.uint8], tuple[int, int, int, int]], float]


@dataclass(frozen=True)
class Frame:
    """One picture of a camera or video, (h, w, 3) uint8 RGB.

    seconds: when it was taken, on any clock that only goes forward.
    """

    number: int
    seconds: float
    image: NDArray[np.uint8]


@dataclass(frozen=True)
class PassagePolicy:
    """When to embed and when the evidence is enough. Times in seconds of the camera's clock.

    gap: unseen for longer than this, the passage has ended.
    spacing: from one embedded frame to the next; better: sooner for a face whose weight is so many
        times the best so far.
    most: embedded faces a passage; afterwards one every `check`, to notice that somebody else has
        taken the place.
    enough, span: a name is said before the end of the passage once so many faces agree that were
        taken over at least so long, and the score is above the threshold by
    confident: this share of the way from the backbone's `same_person` to its `threshold`.
    tie: the second best subject is nearer than this share of that way: nobody is named.
    patience: after so long what is known is decided, as at the end.
    give_up: so many embedded faces are enough to decide that nobody is named, for a screen where a
        stranger waits for the answer; None waits for the end or for `patience`.
    least: a face seen in fewer frames is no passage, but an error of the detector.
    """

    gap: float = 1.0
    spacing: float = 0.25
    better: float = 1.5
    most: int = 8
    check: float = 2.0
    enough: int = 3
    span: float = 0.4
    confident: float = 0.25
    tie: float = 0.1
    patience: float = 10.0
    give_up: int | None = None
    least: int = 2


@dataclass(frozen=True)
class Passage:
    """The answer for one person who passed; `answer.frame` and `.box` are of the best frame.

    started, ended: first and last sight before the decision, in the camera's seconds and frames.
    frames: in which the person was seen; embedded: times the backbone ran for it.
    set_aside: embedded faces that were unlike the others and do not count.
    prominence: of all frames summed (`capture.prominence`).
    """

    answer: Identification
    track: int
    started: float
    ended: float
    first_frame: int
    last_frame: int
    frames: int
    embedded: int
    set_aside: int
    seconds_to_decision: float
    prominence: float
    liveness: str | None  # "passed", "failed: why"; None where it was not required

    def as_document(self) -> dict[str, object]:
        return self.answer.as_document() | {
            "track": self.track,
            "started": round(self.started, 3),
            "ended": round(self.ended, 3),
            "first_frame": self.first_frame,
            "last_frame": self.last_frame,
            "frames": self.frames,
            "embedded": self.embedded,
            "set_aside": self.set_aside,
            "seconds_to_decision": round(self.seconds_to_decision, 3),
            "liveness": self.liveness,
        }


@dataclass(frozen=True)
class Sighted:
    """Somebody who is before the camera now, as a screen shows it.

    box: x, y, width, height in px of the newest frame.
    state: "checking", and once it is decided "known" | "unknown" | "refused".
    name: of somebody known.
    reasons: why this very face cannot be compared; none where it can.
    """

    track: int
    box: tuple[int, int, int, int]
    state: str
    name: str | None = None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Prompt:
    """What a person in a liveness challenge is to do now; state: as `ChallengeState`."""

    track: int
    ask: str
    state: str
    seconds: float

    def as_document(self) -> dict[str, object]:
        return {
            "event": "liveness",
            "track": self.track,
            "ask": self.ask,
            "state": self.state,
            "seconds": round(self.seconds, 3),
        }


class Passages:
    """Follows everybody before one camera. Not for several threads.

    Args:
        point: the operating point of the present gallery.
        source: named in every answer.
        challenge: makes the liveness challenge that everybody must pass; None requires none.
        tell: told what the person in a challenge is to do.
        onlooker: told of everybody who was not named, once, with the best frame.
        real: how sure it is that a face, by its box in a frame, is no picture, 0..1; None asks not.
        budget: of this camera; while it waits nobody is looked at. None: as fast as people come.
    """

    def __init__(
        self,
        capture: Capture,
        identifier: Identifier,
        point: Callable[[], OperatingPoint],
        source: str,
        policy: PassagePolicy = PassagePolicy(),
        challenge: Callable[[], Challenge] | None = None,
        tell: Callable[[Prompt], None] = lambda prompt: None,
        onlooker: Onlooker | None = None,
        real: Realness | None = None,
        budget: CameraBudget | None = None,
    ) -> None:
        self._capture = capture
        self._identifier = identifier
        self._point = point
        self._source = source
        self._policy = policy
        self._challenge = challenge
        self._tell = tell
        self._onlooker = onlooker
        self._real = real
        self._budget = budget
        self._tracker = Tracker(policy.gap)
        self._walks: dict[int, Walk] = {}  # by track; the tracker follows these
        self._displaced: list[Walk] = []  # somebody else is in their place; they may come back
        self._newest = -1  # the number of the frame that was seen last
        priors = capture.backbone.priors
        self._same_person = priors.same_person
        self._way = max(priors.threshold - priors.same_person, 0.0)

    def see(self, frame: Frame) -> list[Passage]:
        """Look at one frame; the passages that are decided by it."""
        self._newest = frame.number
        if self.wait() > 0:
            self.drop()
            return []
        found = self._capture.find(frame.image)
        tracked = self._tracker.see([f.face for f in found], frame.seconds)
        over = [self._walks.pop(number) for number in tracked.ended]
        over += self._gone(frame.seconds)
        present = [
            self._appear(number, face, frame)
            for number, face in zip(tracked.numbers, found, strict=True)
        ]
        self._challenge_one(present, frame.seconds)
        due = [walk for walk in present if self._is_due(walk, frame.seconds)]
        self._embed(due)
        decided = [self._early(walk, frame.seconds) for walk in self._walks.values()]
        return self._counted([*map(self._final, over), *decided])

    def wait(self) -> float:
        """Seconds until somebody is looked at again, after too many who were unknown; 0: now."""
        return 0.0 if self._budget is None else self._budget.wait()

    def in_sight(self) -> tuple[Sighted, ...]:
        """Everybody whose face is in the newest frame, as `see` left them; decides nothing."""
        return tuple(
            _sighted(walk, walk.now)
            for walk in self._walks.values()
            if walk.now is not None and walk.last_frame == self._newest
        )

    def end(self) -> list[Passage]:
        """Nothing more comes: decide everybody who is still there."""
        left = [*self._walks.values(), *self._displaced]
        self._forget()
        return self._counted([self._final(walk) for walk in left])

    def drop(self) -> int:
        """Forget everybody, because what was seen may be stale; how many were undecided."""
        left = [w for w in (*self._walks.values(), *self._displaced) if not w.answered]
        self._forget()
        return len(left)

    def _forget(self) -> None:
        for number in self._walks:
            self._tracker.forget(number)
        self._walks, self._displaced = {}, []

    def _counted(self, answers: Iterable[Passage | None]) -> list[Passage]:
        """Those that there are. What is decided while the camera waits is told as well: it was seen
        before."""
        found = [p for p in answers if p is not None]
        for passage in found:
            if self._budget is not None:
                self._budget.count(passage.answer.decision)
        return found

    # -- following ----------------------------------------------------------------------------

    def _gone(self, seconds: float) -> list[Walk]:
        gone = [w for w in self._displaced if seconds - w.ended > self._policy.gap]
        self._displaced = [w for w in self._displaced if seconds - w.ended <= self._policy.gap]
        return gone

    def _appear(self, number: int, found: FoundFace, frame: Frame) -> Walk:
        if number not in self._walks:
            self._walks[number] = Walk(number, frame.number, frame.seconds)
        walk = self._walks[number]
        weight = prominence(found.face, frame.image.shape)
        walk.appear(found, frame.number, frame.seconds, weight)
        if self._may_count(walk, found) and self._is_wanted(walk, found):
            aligned = self._capture.aligned(frame.image, found)
            shown = frame.image if self._onlooker or self._real else None
            walk.look = Look(found, frame.number, frame.seconds, aligned, shown)
        return walk

    def _is_wanted(self, walk: Walk, found: FoundFace) -> bool:
        """The best since the last one that was embedded; around a challenge, the newest."""
        newest = self._waits(walk) or (walk.proof is not None and walk.proof.wants_a_look)
        return walk.look is None or newest or usefulness(found.quality) > walk.look.weight

    def _may_count(self, walk: Walk, found: FoundFace) -> bool:
        """Could an embedding of this face say who it is?"""
        # Who is asked to turn would be unlike themselves, and taken for somebody else.
        turning = walk.proof is not None and walk.proof.verdict is None
        if turning and abs(found.quality.yaw) > _STRAIGHT:
            return False
        return not judge(found.quality, PROBE_LIMITS)

    # -- embedding ----------------------------------------------------------------------------

    def _is_due(self, walk: Walk, seconds: float) -> bool:
        if walk.look is None or walk.frames < self._policy.least or self._waits(walk):
            return False
        if walk.embedded_at is None or (walk.proof is not None and walk.proof.wants_a_look):
            return True
        since = seconds - walk.embedded_at
        if walk.answered or walk.embedded >= self._policy.most:
            return since >= self._policy.check or bool(walk.doubts)
        strongest = max(e.weight for e in walk.evidence)
        better = walk.look.weight >= self._policy.better * strongest
        return since >= self._policy.spacing or better or bool(walk.doubts)

    def _waits(self, walk: Walk) -> bool:
        """Before a required challenge has begun nothing that was seen counts."""
        return self._challenge is not None and (walk.proof is None or walk.proof.waits)

    def _embed(self, walks: Sequence[Walk]) -> None:
        looks = [walk.look for walk in walks if walk.look is not None]
        if not looks:
            return
        embeddings = self._capture.embed([look.aligned for look in looks])
        for walk, look, embedding in zip(walks, looks, embeddings, strict=True):
            evidence = self._examined(look.embedded(embedding))
            if walk.admit(evidence, self._same_person, self._policy.most):
                if walk.proof is not None and not walk.doubts:
                    walk.proof.take(evidence)
                self._reunite(walk)
            else:
                self._split(walk)

    def _examined(self, evidence: Evidence) -> Evidence:
        if self._real is None or evidence.image is None:
            return evidence
        return replace(evidence, real=self._real(evidence.image, evidence.face.face.box))

    def _split(self, walk: Walk) -> None:
        number = self._tracker.renumber(walk.track)
        other = walk.succeeded_by(number)
        del self._walks[walk.track]
        self._displaced.append(walk)
        self._walks[number] = other
        self._reunite(other)

    def _reunite(self, walk: Walk) -> None:
        """Is this somebody who was out of sight? Then it is one passage, not two."""
        away = [w for w in self._walks.values() if w.last_frame < walk.last_frame]
        before = walk.like([*self._displaced, *away], self._same_person)
        if before is None or walk.doubts:
            return
        if before in self._displaced:
            self._displaced.remove(before)
        else:
            del self._walks[before.track]
            self._tracker.forget(before.track)
        before.resumed(walk, self._policy.most)
        self._walks[walk.track] = before
        before.track = walk.track

    # -- liveness -----------------------------------------------------------------------------

    def _challenge_one(self, present: Sequence[Walk], seconds: float) -> None:
        """One person at a time is asked to turn: the one nearest to the camera."""
        if self._challenge is None:
            return
        at_it = [w for w in self._walks.values() if w.proof is not None and not w.proof.verdict]
        if not at_it:
            waiting = [w for w in present if w.proof is None and not w.answered]
            at_it = sorted(waiting, key=lambda w: -w.prominence / w.frames)[:1]
            for walk in at_it:
                walk.proof = Proof(self._challenge(), self._same_person)
        for walk in at_it:
            self._ask(walk, seconds)

    def _ask(self, walk: Walk, seconds: float) -> None:
        if walk.proof is None or walk.now is None or walk.ended < seconds:
            return
        if walk.proof.see(walk.now, seconds):
            self._tell(Prompt(walk.track, walk.proof.ask, walk.proof.state, seconds))

    # -- deciding -----------------------------------------------------------------------------

    def _early(self, walk: Walk, seconds: float) -> Passage | None:
        """The answer, if there is one before the passage has ended."""
        answer = None if walk.answered else self._soon(walk, seconds)
        return None if answer is None else self._answered(walk, answer, seconds)

    def _soon(self, walk: Walk, seconds: float) -> Identification | None:
        verdict = walk.proof.verdict if walk.proof else None
        if verdict is not None and verdict != "passed":
            return self._unproved(walk)
        if self._challenge is not None and verdict is None:
            return None
        if seconds - walk.started >= self._policy.patience and walk.evidence:
            return self._decide(walk)
        if not self._is_enough(walk):
            return None
        give_up = self._policy.give_up
        tried = give_up is not None and walk.embedded >= give_up
        return self._certain(walk) or (self._decide(walk) if tried else None)

    def _is_enough(self, walk: Walk) -> bool:
        if walk.doubts or len(walk.evidence) < self._policy.enough:
            return False
        return walk.evidence[-1].seconds - walk.evidence[0].seconds >= self._policy.span

    def _certain(self, walk: Walk) -> Identification | None:
        """A name that is well above the threshold; None where more frames may tell more."""
        answer = self._decide(walk)
        sure = self._point().threshold + self._policy.confident * self._way
        known = answer.decision == "known" and answer.score is not None
        return answer if known and (answer.score or -1.0) >= sure else None

    def _final(self, walk: Walk) -> Passage | None:
        """The answer of a passage that has ended; None when it has been given, or was nobody's."""
        if walk.answered or walk.frames < self._policy.least:
            return None
        if self._challenge is not None and (walk.proof is None or walk.proof.verdict != "passed"):
            return self._answered(walk, self._unproved(walk), walk.ended)
        if not walk.evidence and walk.look is not None:
            (embedding,) = self._capture.embed([walk.look.aligned])
            evidence = self._examined(walk.look.embedded(embedding))
            walk.admit(evidence, self._same_person, self._policy.most)
        return self._answered(walk, self._decide(walk), walk.ended)

    def _decide(self, walk: Walk) -> Identification:
        if not walk.evidence:
            return self._refused(walk)
        examined = [e.real for e in walk.evidence if e.real is not None]
        if examined and np.mean(examined) < _REAL_FROM:
            why = message(
                "this looks like a picture or a screen ({sure:.0%} sure)",
                sure=float(1 - np.mean(examined)),
            )
            return self._refused(walk, Reason(ReasonCode.LIVENESS_FAILED, why))
        answer = self._identifier.together(
            [(e.face, max(e.weight, LEAST_WEIGHT)) for e in walk.evidence],
            best(walk.evidence).face,
            self._source,
            walk.best_frame,
        )
        tie = answer.margin is not None and answer.margin < self._policy.tie * self._way
        if answer.decision == "known" and tie:
            return replace(answer, decision="unknown", subject_id=None, name=None)
        return answer

    def _refused(self, walk: Walk, *reasons: Reason) -> Identification:
        """Nobody is compared with, and nobody's name is in the answer."""
        if walk.seen is None:
            reason = Reason(ReasonCode.NO_FACE, message("no usable face was found in any frame"))
            return Identification(self._source, None, None, "refused", reasons=(reason,))
        found, frame = walk.seen
        why = (*reasons, *judge(found.quality, PROBE_LIMITS))
        return Identification(self._source, frame, found.face.box, "refused", reasons=why)

    def _unproved(self, walk: Walk) -> Identification:
        failed = walk.proof.why if walk.proof else None
        why = failed or message("the challenge was not finished")
        again = message("{why}; step back and again", why=why)
        return self._refused(walk, Reason(ReasonCode.LIVENESS_FAILED, again))

    def _answered(self, walk: Walk, answer: Identification, seconds: float) -> Passage:
        walk.answer = answer
        self._identifier.tally.decided("passage", answer.decision)
        if self._onlooker and answer.decision == "unknown" and walk.evidence:
            shown = best(walk.evidence).image
            if shown is not None:
                self._onlooker(answer, walk.fused(), shown)
        return Passage(
            answer=answer,
            track=walk.track,
            started=walk.started,
            ended=walk.ended,
            first_frame=walk.first_frame,
            last_frame=walk.last_frame,
            frames=walk.frames,
            embedded=walk.embedded,
            set_aside=walk.set_aside + len(walk.doubts),
            seconds_to_decision=seconds - walk.started,
            prominence=walk.prominence,
            liveness=walk.proof.verdict if walk.proof else None,
        )


def _sighted(walk: Walk, face: FoundFace) -> Sighted:
    if walk.answer is not None:
        return Sighted(walk.track, face.face.box, walk.answer.decision, walk.answer.name)
    why = tuple(judge(face.quality, PROBE_LIMITS))
    return Sighted(walk.track, face.face.box, "checking", None, why)


def decide_source(passages: Iterable[Passage], source: str) -> Identification:
    """One answer for a whole video: of the person who is seen most and nearest.

    Several passages of one enrolled person count together. Two people who are seen alike are
    nobody.
    """
    shown: dict[str, float] = {}
    answers: dict[str, Passage] = {}
    for passage in passages:
        who = passage.answer.subject_id or f"track {passage.track}"
        shown[who] = shown.get(who, 0.0) + passage.prominence
        kept = answers.get(who)
        if kept is None or (passage.answer.score or -1.0) > (kept.answer.score or -1.0):
            answers[who] = passage
    if not answers:
        reason = Reason(ReasonCode.NO_FACE, message("no usable face was found in any frame"))
        return Identification(source, None, None, "refused", reasons=(reason,))
    first, *others = sorted(shown, key=lambda who: -shown[who])
    if others and shown[others[0]] >= _ALIKE * shown[first]:
        reason = Reason(
            ReasonCode.SEVERAL_FACES, message("different people are seen equally often")
        )
        return Identification(source, None, None, "refused", reasons=(reason,))
    return answers[first].answer
