"""A guided filming: looks at frames as a door does, says what to do, and keeps the views taken."""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enrollment.capture import Capture, FoundFace
from enrollment.guidance import Advice, Guidance, Take, View
from enrollment.photo import Photo, encode_jpeg, photo_bytes


@dataclass(frozen=True, eq=False)
class Shot:
    """One view that was taken.

    number: rises with each one that was taken, also for a view that was taken before.
    photo: the whole frame, a JPEG as it came from the camera, not mirrored.
    crop: the face, (112, 112, 3) uint8 RGB; vector: (dimension,) float32, unit length.
    likeness: mean cosine to the views taken before; None for the first one.
    unlike: below what photos of one person have: perhaps somebody else.
    """

    number: int
    view: View
    photo: Photo
    crop: NDArray[np.uint8]
    vector: NDArray[np.float32]
    yaw: float  # degrees
    likeness: float | None = None
    unlike: bool = False


class Guide:
    """One person before a camera. `look` is for the camera's thread, the rest for the page's.

    It outlives the camera: what was taken stays when that is stopped, and goes on when another
    one is started.
    """

    def __init__(self, capture: Capture, guidance: Guidance | None = None) -> None:
        self._capture = capture
        self._guidance = guidance or Guidance()
        self._lock = threading.Lock()
        self._shots: list[Shot] = []
        self._count = 0
        self._pictures: dict[int, tuple[NDArray[np.uint8], FoundFace]] = {}

    def look(self, number: int, seconds: float, picture: NDArray[np.uint8]) -> None:
        """Look at a frame, (h, w, 3) uint8 RGB; `number` and `seconds` rise."""
        faces = [] if self.asked is None else self._capture.find(picture)
        with self._lock:
            take = self._guidance.see(number, seconds, faces, picture.shape)
            if faces:
                self._pictures[number] = picture, faces[0]
            kept = self._pictures.get(take.number) if take is not None else None
            held = {*self._guidance.held}
            self._pictures = {n: p for n, p in self._pictures.items() if n in held}
        if take is not None and kept is not None:
            self._keep(take, *kept)

    @property
    def advice(self) -> Advice:
        return self._guidance.advice

    @property
    def asked(self) -> View | None:
        """The view that is asked for now; None when there is none left."""
        return self._guidance.asked

    @property
    def taken(self) -> frozenset[View]:
        return self._guidance.taken

    @property
    def skipped(self) -> frozenset[View]:
        return self._guidance.skipped

    @property
    def shots(self) -> tuple[Shot, ...]:
        return tuple(self._shots)

    @property
    def holding(self) -> bool:
        """All is green, and a picture is about to be taken."""
        return bool(self._guidance.held)

    def skip(self, view: View) -> None:
        with self._lock:
            self._guidance.skip(view)

    def reopen(self, view: View) -> None:
        """Ask for a view once more; its picture, if there is one, is let go."""
        with self._lock:
            self._shots = [shot for shot in self._shots if shot.view is not view]
            self._guidance.reopen(view)

    def _keep(self, take: Take, picture: NDArray[np.uint8], found: FoundFace) -> None:
        (vector,) = self._capture.embed([self._capture.aligned(picture, found)])
        photo = photo_bytes(f"camera, {take.view.value}", encode_jpeg(picture))
        with self._lock:
            before = [shot.vector for shot in self._shots]
            alike = float(np.mean(np.stack(before) @ vector)) if before else None
            unlike = alike is not None and alike < self._capture.backbone.priors.same_person
            self._count += 1
            yaw = found.quality.yaw
            shot = Shot(self._count, take.view, photo, found.crop, vector, yaw, alike, unlike)
            self._shots.append(shot)
