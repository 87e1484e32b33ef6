"""What to say to somebody who films himself for five views, and when a view is good: pure rules.

Left and right are the person's own. A picture is taken by itself when every check stays green for
a moment; of that moment's pictures the sharpest is kept. What to change is said one thing at a
time, the check that is red with its own number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from enrollment.capture import FoundFace
from enrollment.quality import ENROLLMENT_LIMITS, judge
from wording.message import Message, message


class View(StrEnum):
    STRAIGHT = "straight"
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"


class Check(StrEnum):
    """What can be red, in the order in which it is said."""

    FACE = "face"
    ALONE = "alone"
    SIZE = "size"
    PLACE = "place"
    LIGHT = "light"
    UPRIGHT = "upright"
    SHARP = "sharp"
    POSE = "pose"
    STILL = "still"


@dataclass(frozen=True)
class GuidancePolicy:
    """face_px, sharpness: what a photo gains nothing from being above (`quality.usefulness`).
    tallest: of the frame's height that a face may fill. away: how far the face's middle may be
        from the frame's, as a share of the frame.
    darkest, brightest, contrast: grey levels. The evaluation set's five clips lie at 69 to 148,
        contrast 27 to 59.
    straight, nod_straight: degrees within which a head looks straight.
    turned, most_turned: degrees to a side. A press photo counts as turned from 12 on (`outlook`),
        and enrolling refuses 50.
    nodded, most_nodded: degrees up and down from the person's own straight view. Landmarks show
        little of a nod: of LFW's faces that look straight or nod, those that clearly nod, by eye,
        lie 7 to 12 degrees from the median (YuNet; MTCNN 8 to 12), and of faces that only talk
        one frame in twenty 5 from theirs, in the clips.
    moved: of a face's width, and swept: degrees, within one moment; more is not still.
    moment: seconds, and frames: how many at least, for which all must be green.
    pause: seconds after a picture in which nothing is taken.
    """

    face_px: float = 2 * ENROLLMENT_LIMITS.face_px
    sharpness: float = 2 * ENROLLMENT_LIMITS.sharpness
    tallest: float = 0.85
    away: float = 0.25
    darkest: float = 40
    brightest: float = 220
    contrast: float = 15
    lean: float = 25
    straight: float = 10
    nod_straight: float = 22
    turned: float = 15
    most_turned: float = 42
    nodded: float = 8
    most_nodded: float = 35
    moved: float = 0.12
    swept: float = 9
    moment: float = 0.4
    frames: int = 2
    pause: float = 1.0


@dataclass(frozen=True)
class Advice:
    """What the person is told. check: the red one; None: all are green.

    words: short and large. number: what was measured and what is needed, where there is a number.
    """

    check: Check | None
    words: Message
    number: Message | None = None


@dataclass(frozen=True)
class Take:
    """Keep this frame for this view."""

    view: View
    number: int


@dataclass(frozen=True)
class _Frame:
    number: int
    seconds: float
    middle: tuple[float, float]
    width: float
    yaw: float
    pitch: float
    sharpness: float


_READABLE = 0.4  # seconds
_PAUSED = 5.0  # seconds: a busy machine may need more than one for a frame
_SHOW: Final = Advice(Check.FACE, message("Show your face"))
_ALONE: Final = Advice(Check.ALONE, message("Only one person, please"))
_HOLD: Final = Advice(None, message("Hold still"))
WELL_DONE: Final = Advice(None, message("Well done"))
ALL_DONE: Final = Advice(None, message("All done"))
_ASK: Final[Mapping[View, Message]] = {
    View.STRAIGHT: message("Look straight at the camera"),
    View.LEFT: message("Turn your head a little to your left"),
    View.RIGHT: message("Turn your head a little to your right"),
    View.UP: message("Look up a little"),
    View.DOWN: message("Look down a little"),
}
_YAWS: Final = {View.LEFT: 1.0, View.RIGHT: -1.0}
_NODS: Final = {View.UP: -1.0, View.DOWN: 1.0}


class Guidance:
    """One person's way through the views. Give it every frame that was looked at.

    Straight comes first: it says what straight is for this person and this camera. Left and right
    are taken in any order; up and down are small in the landmarks, so they are taken only when one
    of them is asked for. Any view may be skipped.
    """

    def __init__(self, policy: GuidancePolicy = GuidancePolicy()) -> None:
        self._policy = policy
        self._taken: set[View] = set()
        self._skipped: set[View] = set()
        self._yaw = self._pitch = 0.0
        self._held: list[_Frame] = []
        self._held_for: View | None = None
        self._quiet_until = -np.inf
        self._last: Advice | None = None
        self._seen_at = -np.inf
        self._slow = False
        self.advice = _SHOW

    @property
    def taken(self) -> frozenset[View]:
        return frozenset(self._taken)

    @property
    def skipped(self) -> frozenset[View]:
        return frozenset(self._skipped)

    @property
    def asked(self) -> View | None:
        """The view that is asked for now; None when there is none left."""
        left = (v for v in View if v not in self._taken and v not in self._skipped)
        return next(left, None)

    @property
    def held(self) -> tuple[int, ...]:
        """Numbers of the frames of which the sharpest may be taken; the others can be let go."""
        return tuple(frame.number for frame in self._held)

    def skip(self, view: View) -> None:
        if view not in self._taken:
            self._skipped.add(view)
        self._let_go()

    def reopen(self, view: View) -> None:
        """Ask for it once more: its picture was dropped, or it is wanted after all."""
        self._taken.discard(view)
        self._skipped.discard(view)
        self._let_go()

    def see(
        self, number: int, seconds: float, faces: Sequence[FoundFace], shape: tuple[int, ...]
    ) -> Take | None:
        """Look at one frame; what to keep of it, if a view is good now.

        Args:
            number, seconds: of the frame; both rise.
            faces: found in it, largest first; shape: (h, w, ...) of the frame.
        """
        self._slow, self._seen_at = seconds - self._seen_at > _READABLE, seconds
        if self.asked is None:
            self._say(ALL_DONE, at_once=True)
            return None
        wrong = self._wrong(faces, shape)
        view = None if wrong else self._shown(faces[0])
        if wrong is None and view is None:
            wrong = self._towards(self.asked, faces[0])
        if wrong is not None or view is None or seconds < self._quiet_until:
            self._let_go()
            if seconds >= self._quiet_until:
                self._say(wrong or _HOLD)
            return None
        return self._hold(view, _frame(number, seconds, faces[0]))

    # -- checks -----------------------------------------------------------------------------------

    def _wrong(self, faces: Sequence[FoundFace], shape: tuple[int, ...]) -> Advice | None:
        """The first check that is red, whatever view is asked for."""
        if not faces:
            return _SHOW
        if sum(_counts(found) for found in faces) > 1:
            return _ALONE
        return (
            self._wrong_place(faces[0], shape)
            or self._wrong_light(faces[0])
            or self._wrong_picture(faces[0])
        )

    def _wrong_place(self, found: FoundFace, shape: tuple[int, ...]) -> Advice | None:
        policy, quality = self._policy, found.quality
        if quality.face_px < policy.face_px:
            number = message(
                "{found:.0f} px between the eyes; {needed:.0f} are needed",
                found=quality.face_px,
                needed=policy.face_px,
            )
            return Advice(Check.SIZE, message("Move closer"), number)
        x, y, width, height = found.face.box
        if height > policy.tallest * shape[0]:
            number = message(
                "the face fills {found:.0f} % of the height; at most {most:.0f} %",
                found=100 * height / shape[0],
                most=100 * policy.tallest,
            )
            return Advice(Check.SIZE, message("Move back"), number)
        off = max(abs((x + width / 2) / shape[1] - 0.5), abs((y + height / 2) / shape[0] - 0.5))
        if off > policy.away:
            number = message(
                "{found:.0f} % away from the middle; at most {most:.0f} %",
                found=100 * off,
                most=100 * policy.away,
            )
            return Advice(Check.PLACE, message("Bring your face into the oval"), number)
        return None

    def _wrong_light(self, found: FoundFace) -> Advice | None:
        policy, quality = self._policy, found.quality
        brightness = message(
            "brightness {found:.0f}; {low:.0f} to {high:.0f} is good",
            found=quality.brightness,
            low=policy.darkest,
            high=policy.brightest,
        )
        if quality.brightness < policy.darkest:
            return Advice(Check.LIGHT, message("More light"), brightness)
        if quality.brightness > policy.brightest:
            return Advice(Check.LIGHT, message("Less light"), brightness)
        if quality.contrast < policy.contrast:
            contrast = message(
                "contrast {found:.0f}; at least {needed:.0f} is needed",
                found=quality.contrast,
                needed=policy.contrast,
            )
            return Advice(Check.LIGHT, message("More light"), contrast)
        return None

    def _wrong_picture(self, found: FoundFace) -> Advice | None:
        policy, quality = self._policy, found.quality
        if abs(quality.roll) > policy.lean:
            number = message(
                "it leans {found:.0f} degrees; at most {most:.0f}",
                found=abs(quality.roll),
                most=policy.lean,
            )
            return Advice(Check.UPRIGHT, message("Hold your head upright"), number)
        if quality.sharpness < policy.sharpness:
            number = message(
                "sharpness {found:.0f}; at least {needed:.0f} is needed",
                found=quality.sharpness,
                needed=policy.sharpness,
            )
            return Advice(Check.SHARP, message("Hold still"), number)
        return None

    # -- views ------------------------------------------------------------------------------------

    def _shown(self, found: FoundFace) -> View | None:
        """The open view that this head shows."""
        policy, asked = self._policy, self.asked
        yaw, pitch = self._turn(found)
        if asked is View.STRAIGHT:
            near = abs(yaw) <= policy.straight and abs(pitch) <= policy.nod_straight
            return asked if near else None
        for view, side in _YAWS.items():
            open_ = view not in self._taken and view not in self._skipped
            if open_ and policy.turned <= side * yaw <= policy.most_turned:
                return view if not judge(found.quality, ENROLLMENT_LIMITS) else None
        if asked in _NODS and abs(yaw) <= policy.turned:
            for view, side in _NODS.items():
                open_ = view not in self._taken and view not in self._skipped
                if open_ and policy.nodded <= side * pitch <= policy.most_nodded:
                    return view
        return None

    def _towards(self, asked: View, found: FoundFace) -> Advice:
        """What is missing to the view that is asked for."""
        yaw, pitch = self._turn(found)
        policy = self._policy
        if asked in _YAWS:
            return _turn_further(asked, _YAWS[asked] * yaw, policy.turned, policy.most_turned)
        if asked in _NODS and abs(yaw) <= policy.turned:
            return _turn_further(asked, _NODS[asked] * pitch, policy.nodded, policy.most_nodded)
        most = policy.straight if asked is View.STRAIGHT else policy.turned
        if abs(yaw) > most:
            number = message(
                "turned by {found:.0f} degrees; at most {most:.0f}", found=abs(yaw), most=most
            )
            return Advice(Check.POSE, _ASK[View.STRAIGHT], number)
        number = message(
            "nods by {found:.0f} degrees; at most {most:.0f}",
            found=abs(pitch),
            most=policy.nod_straight,
        )
        return Advice(Check.POSE, _ASK[View.STRAIGHT], number)

    def _turn(self, found: FoundFace) -> tuple[float, float]:
        """Degrees from this person's own straight view, as `quality.head_pose`."""
        return found.quality.yaw - self._yaw, found.quality.pitch - self._pitch

    # -- taking -----------------------------------------------------------------------------------

    def _hold(self, view: View, frame: _Frame) -> Take | None:
        policy = self._policy
        if self._held and (self._held_for is not view or _late(self._held[-1], frame)):
            self._let_go()
        moved = self._moved(frame)
        if moved is not None:
            self._let_go()
        self._held_for = view
        self._held.append(frame)
        lasted = frame.seconds - self._held[0].seconds
        if len(self._held) < policy.frames or lasted < policy.moment:
            self._say(moved or _HOLD)
            return None
        best = max(self._held, key=lambda held: held.sharpness)
        if view is View.STRAIGHT:
            self._yaw = float(np.median([held.yaw for held in self._held]))
            self._pitch = float(np.median([held.pitch for held in self._held]))
        self._taken.add(view)
        self._quiet_until = frame.seconds + policy.pause
        self._let_go()
        self._say(ALL_DONE if self.asked is None else WELL_DONE, at_once=True)
        return Take(view, best.number)

    def _moved(self, frame: _Frame) -> Advice | None:
        if not self._held:
            return None
        policy, first = self._policy, self._held[0]
        away = float(np.hypot(*np.subtract(frame.middle, first.middle))) / max(first.width, 1.0)
        if away > policy.moved:
            number = message(
                "moved by {found:.0f} % of the face's width; at most {most:.0f} %",
                found=100 * away,
                most=100 * policy.moved,
            )
            return Advice(Check.STILL, message("Hold still"), number)
        swept = abs(frame.yaw - first.yaw)
        if swept > policy.swept:
            number = message(
                "turned by {found:.0f} degrees just now; at most {most:.0f}",
                found=swept,
                most=policy.swept,
            )
            return Advice(Check.STILL, message("Hold still"), number)
        return None

    def _let_go(self) -> None:
        self._held = []
        self._held_for = None

    def _say(self, advice: Advice, *, at_once: bool = False) -> None:
        """Words that flicker from frame to frame cannot be read: they must come twice, where frames
        come quickly."""
        before, self._last = self._last, advice
        same = advice.words.template == self.advice.words.template
        again = before is not None and advice.words.template == before.words.template
        if at_once or same or again or self._slow:
            self.advice = advice


def _turn_further(asked: View, turned: float, low: float, high: float) -> Advice:
    if turned > high:
        number = message("{found:.0f} degrees; at most {most:.0f}", found=turned, most=high)
        return Advice(Check.POSE, message("A little less"), number)
    number = message(
        "{found:.0f} degrees so far; {needed:.0f} are needed",
        found=abs(max(turned, 0.0)),
        needed=low,
    )
    return Advice(Check.POSE, _ASK[asked], number)


def _counts(found: FoundFace) -> bool:
    """Large and certain enough to be meant, as for `Enroller`."""
    return (
        found.quality.face_px >= ENROLLMENT_LIMITS.face_px
        and found.quality.confidence >= ENROLLMENT_LIMITS.confidence
    )


def _frame(number: int, seconds: float, found: FoundFace) -> _Frame:
    x, y = found.face.landmarks[:2].mean(axis=0)
    return _Frame(
        number,
        seconds,
        (float(x), float(y)),
        float(found.face.box[2]),
        found.quality.yaw,
        found.quality.pitch,
        found.quality.sharpness,
    )


def _late(before: _Frame, frame: _Frame) -> bool:
    """The camera stood still in between: what was held is another moment."""
    return frame.seconds - before.seconds > _PAUSED
