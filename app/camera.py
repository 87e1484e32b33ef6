"""A camera, network stream or file as its newest frame, and as the state it is in.

A thread reads as fast as frames come and keeps only the newest, so a slow decision skips frames and
never falls behind. Frames of a camera that is frozen, black or gone are never handed out.
"""

import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.video import frame_rate, rgb
from enrollment.errors import BadInput
from enrollment.passage import Frame

FAULT_SECONDS = 1.0  # a fault is stated when it has lasted so long
# A lens cap, a dead sensor: 99 % of the picture is darker than this (0..255).
BLACK = 16
_RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)
_PATIENCE_MS = 4_000  # with a network stream that answers nothing, in OpenCV
_GLANCE = 4  # every fourth pixel tells a frozen or black picture


class CameraState(StrEnum):
    OPENING = "opening"
    LIVE = "live"
    FROZEN = "frozen"
    BLACK = "black"
    MISSING = "missing"
    ENDED = "ended"


@dataclass(frozen=True)
class Source:
    """name: as it is shown, without a password. target: what OpenCV opens. is_file: has an end."""

    name: str
    target: int | str
    is_file: bool

    @property
    def is_network(self) -> bool:
        return isinstance(self.target, str) and "://" in self.target


def parse_source(text: str) -> Source:
    """A camera's number, a URL, a device or a file. Raises BadInput."""
    if text.isdecimal():
        return Source(f"camera {int(text)}", int(text), False)
    scheme, separator, rest = text.partition("://")
    if separator:
        if scheme.lower() not in ("rtsp", "rtsps", "http", "https", "rtmp", "udp", "tcp", "srt"):
            raise BadInput(f"--camera cannot read {scheme}://; give rtsp:// or http://")
        host = rest.rpartition("@")[2]
        return Source(f"{scheme}://{host.partition('?')[0]}", text, False)
    path = Path(text).expanduser()
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise BadInput(
            f"--camera {text} is no camera's number, no URL and no file; try --camera 0"
        ) from error
    if stat.S_ISDIR(mode):
        raise BadInput(f"--camera {text} is a folder; give a video file, a URL or a number")
    return Source(str(path), str(path), stat.S_ISREG(mode))


class Pulse:
    """From frames and silence to a state. Knows no camera and no clock of its own."""

    def __init__(self, now: float) -> None:
        self.state = CameraState.OPENING
        self._last_frame = self._last_change = self._last_light = now
        self._glance: NDArray[np.uint8] | None = None

    def beat(self, image: NDArray[np.uint8], now: float) -> bool:
        """One frame has come; True when it shows something new: neither repeated nor black."""
        glance = image[::_GLANCE, ::_GLANCE]
        same = self._glance is not None and np.array_equal(self._glance, glance)
        dark = float(np.percentile(glance, 99)) < BLACK
        self._last_frame = now
        if not same:
            self._last_change = now
            self._glance = glance.copy()
        if not dark:
            self._last_light = now
        if not same and not dark:
            self.state = CameraState.LIVE
        else:
            self.look(now)
        return not same and not dark

    def look(self, now: float) -> CameraState:
        """The state now, also when nothing comes."""
        if self.state is CameraState.ENDED:
            return self.state
        if now - self._last_frame >= FAULT_SECONDS:
            self.state = CameraState.MISSING
        elif now - self._last_light >= FAULT_SECONDS:
            self.state = CameraState.BLACK
        elif now - self._last_change >= FAULT_SECONDS:
            self.state = CameraState.FROZEN
        return self.state

    def end(self) -> None:
        self.state = CameraState.ENDED


class Camera:
    """Reads until it is closed; reconnects with growing pauses. Use as a context manager.

    A file is played at its own pace, once.
    """

    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self.source = source
        self._clock = clock
        self._started = clock()
        self._pulse = Pulse(self._started)
        self._newest: Frame | None = None
        self._count = 0
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._reader = threading.Thread(target=self._read, name="camera", daemon=True)

    def __enter__(self) -> "Camera":
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        # A network read may hang longer than that; the thread dies with the process.
        self._reader.join(timeout=1.0)

    @property
    def read(self) -> int:
        """How many frames have come."""
        return self._count

    def state(self) -> CameraState:
        with self._changed:
            return self._pulse.look(self._clock())

    def newest(self, timeout: float) -> Frame | None:
        """The newest frame that was not handed out yet; None when none comes within `timeout` s.

        Never one of a camera that is at fault, never one older than a fault takes to be stated.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None, timeout)
            frame, self._newest = self._newest, None
            now = self._clock()
            if frame is None or now - self._started - frame.seconds > FAULT_SECONDS:
                return None
            return frame if self._pulse.look(now) is CameraState.LIVE else None

    def _read(self) -> None:
        failures = 0
        while not self._closing.is_set():
            before = self._count
            self._play()
            if self.source.is_file:
                with self._changed:
                    self._pulse.end()
                return
            failures = 0 if self._count > before else failures + 1
            pause = _RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)]
            self._closing.wait(pause)

    def _play(self) -> None:
        """From one opening to the end of what it gives."""
        video = _open(self.source)
        try:
            pace = _Pace(self.source, video, self._clock)
            while not self._closing.is_set() and video.grab():
                pace.wait(self._closing)
                read, image = video.retrieve()
                if not read:
                    return
                self._take(rgb(image))
        finally:
            video.release()

    def _take(self, image: NDArray[np.uint8]) -> None:
        now = self._clock()
        with self._changed:
            number = self._count
            self._count += 1
            if self._pulse.beat(image, now):
                self._newest = Frame(number, now - self._started, image)
                self._changed.notify_all()


class _Pace:
    """Waits so that a file's frames come when they are due; a camera has its own pace."""

    def __init__(self, source: Source, video: Any, clock: Callable[[], float]) -> None:  # noqa: ANN401
        import cv2

        self._step = 1 / frame_rate(video.get(cv2.CAP_PROP_FPS)) if source.is_file else 0.0
        self._clock = clock
        self._due = clock()

    def wait(self, closing: threading.Event) -> None:
        """Until the next frame is due; a file that cannot keep up is played more slowly."""
        if self._step == 0.0:
            return
        self._due = max(self._due + self._step, self._clock() - 1.0)
        early = self._due - self._clock()
        if early > 0:
            closing.wait(early)


def _open(source: Source) -> Any:  # noqa: ANN401 - OpenCV has no types
    import cv2

    if source.is_network:
        limits = [
            *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _PATIENCE_MS),
            *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, _PATIENCE_MS),
        ]
        return cv2.VideoCapture(source.target, cv2.CAP_FFMPEG, limits)
    return cv2.VideoCapture(source.target)
