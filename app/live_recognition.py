"""Recognition in a browser's moving pictures: what is seen, decided and asked, for a page to show.

`LiveRecognition` belongs to a visitor's session and outlives the camera; a `Follower` sees the
pictures from one press of START to the end.
"""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.live_view import LiveView
from app.overlay import overlay
from app.passed import PassedList
from enrollment.camera_budget import CameraBudget
from enrollment.capture import CapturedFace
from enrollment.errors import Forbidden, RollcallError
from enrollment.identifier import Identification
from enrollment.liveness import Challenge
from enrollment.passage import Frame, Passage, PassagePolicy, Passages, Prompt, Sighted
from enrollment.service import Service
from models.errors import ModelError
from store.errors import GalleryLocked, IndexUnusable, StoreError
from wording.message import message, words_of

Picture = NDArray[np.uint8]  # (h, w, 3) RGB

# Somebody who waits before a screen is told *unknown* after eight faces, two seconds or so, and not
# when they have left (`python -m benchmarks.passages --give-up 8`).
POLICY = PassagePolicy(give_up=8)
_BOX_LASTS = 1.0  # seconds without a newer look, after which a box would be of the past
_TROUBLE_LASTS = 10.0  # seconds
_ASK_SECONDS = 2.0  # between two looks at whether the visitor is still signed in
SILENCE = 3.0  # seconds without a picture: the camera is gone


@dataclass(frozen=True)
class Scene:
    """What was seen last, and when, in seconds of `time.monotonic`."""

    seen: tuple[Sighted, ...] = ()
    at: float = 0.0


@dataclass(frozen=True)
class Options:
    """keep_unknown: offer who was not named to the review queue. liveness: name only those who
    turn their head when asked. mirrored: show the pictures as a mirror does."""

    keep_unknown: bool = False
    liveness: bool = False
    mirrored: bool = False


class LiveRecognition:
    """One visitor's: options, who passed, and the camera that films now or filmed last.

    Args:
        source: named in every answer.
    """

    def __init__(self, source: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.source = source
        self.clock = clock
        self.options = Options()
        self.budget: CameraBudget | None = None  # slows down who is unknown again and again
        self.passed = PassedList()
        self.view: LiveView | None = None
        self.follower: Follower | None = None

    def begin(
        self,
        service: Service,
        words: Mapping[str, str],
        goes_on: Callable[[], bool] = lambda: True,
    ) -> LiveView:
        """The camera was started. Called in any thread; opens no model.

        Args:
            words: as `overlay`.
            goes_on: asked now and then; pictures come by a line of their own, which stays open
                when the visitor is signed out.
        """
        follower = Follower(self, service, words, goes_on)
        self.follower = follower
        self.view = LiveView(follower.look, follower.draw, follower.end)
        return self.view

    def camera(self) -> str:
        """How the camera is.

        "off": not started, or stopped by the visitor. "starting": no picture has come yet. "live".
        "silent": pictures came, and none for `SILENCE` seconds. "lost": it ended without being
        stopped. "unreached": it ended before a picture came. "broken": looking at it ended with an
        error, which is `view.error`.
        """
        view = self.view
        if view is None:
            return "off"
        if view.error is not None:
            return "broken"
        last, ended = view.last_frame_at, view.ended_at
        if ended is not None:
            if last is None:
                return "unreached"
            return "lost" if ended - last > SILENCE else "off"
        if last is None:
            return "starting"
        return "silent" if self.clock() - last > SILENCE else "live"

    def scene(self) -> Scene:
        """Empty when the camera is not live, or was not looked at for a while."""
        if self.follower is None or self.camera() != "live":
            return Scene()
        return self.follower.scene()


class Follower:
    """Looks at the pictures of one camera from its start to its end."""

    def __init__(
        self,
        recognition: LiveRecognition,
        service: Service,
        words: Mapping[str, str],
        goes_on: Callable[[], bool] = lambda: True,
    ) -> None:
        self._goes_on = goes_on
        self._asked = -_ASK_SECONDS
        self._recognition = recognition
        self._service = service
        self._words = words
        self._clock = recognition.clock
        self._passages: Passages | None = None
        self._liveness = False
        self._budget: CameraBudget | None = None
        self._scene = Scene()
        self._trouble: tuple[str, float] | None = None
        self.prompt: Prompt | None = None

    def look(self, number: int, seconds: float, picture: Picture) -> None:
        """Raises what ends recognition; a gallery that is busy does not."""
        self._ask_whether_to_go_on()
        try:
            passages = self._opened()
            self._passed(passages.see(Frame(number, seconds, picture)))
        except (GalleryLocked, IndexUnusable) as error:
            self._went_wrong(error)
            return
        self._scene = Scene(passages.in_sight(), self._clock())

    def _ask_whether_to_go_on(self) -> None:
        if self._clock() - self._asked < _ASK_SECONDS:
            return
        self._asked = self._clock()
        if not self._goes_on():
            self._scene = Scene()
            raise Forbidden(message("you are signed out; sign in again"))

    @property
    def ready(self) -> bool:
        """Has a picture been looked at? The first one waits for the models."""
        return self._scene.at > 0

    @property
    def trouble(self) -> str | None:
        """What went wrong a moment ago, though it goes on."""
        recent = self._trouble is not None and self._clock() - self._trouble[1] < _TROUBLE_LASTS
        return self._trouble[0] if self._trouble is not None and recent else None

    def draw(self, picture: Picture) -> Picture:
        mirrored = self._recognition.options.mirrored
        return overlay(picture, self.scene().seen, self._words, mirrored)

    def scene(self) -> Scene:
        scene = self._scene
        return scene if self._clock() - scene.at <= _BOX_LASTS else Scene()

    def end(self) -> None:
        """Decide everybody who was still there."""
        self._scene, self.prompt = Scene(), None
        if self._passages is None:
            return
        try:
            self._passed(self._passages.end())
        except (RollcallError, StoreError, ModelError) as error:
            self._went_wrong(error)

    def _opened(self) -> Passages:
        """As the options are now: what is switched on counts from the next picture."""
        liveness, budget = self._recognition.options.liveness, self._recognition.budget
        as_before = liveness == self._liveness and budget is self._budget
        if self._passages is None or not as_before:
            self.prompt = None
            self._liveness, self._budget = liveness, budget
            self._passages = self._service.passages(
                self._recognition.source,
                POLICY,
                challenge=(lambda: Challenge(random.SystemRandom())) if liveness else None,
                tell=self._ask,
                onlooker=self._offer,
                budget=budget,
            )
        return self._passages

    def _ask(self, prompt: Prompt) -> None:
        self.prompt = prompt

    def _offer(self, answer: Identification, face: CapturedFace, image: Picture) -> None:
        """To the review queue, if the visitor wants that by now."""
        if not self._recognition.options.keep_unknown:
            return
        try:
            self._service.queue.look_on(answer, face, image)
        except (GalleryLocked, IndexUnusable) as error:
            self._went_wrong(error)

    def _went_wrong(self, error: Exception) -> None:
        self._trouble = (words_of(error), self._clock())

    def _passed(self, found: list[Passage]) -> None:
        for passage in found:
            self._recognition.passed.add(passage, self._clock())
