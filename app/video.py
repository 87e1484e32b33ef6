"""Frames of a video file, as upright RGB arrays."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enrollment.errors import BadInput
from enrollment.passage import Frame

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v")
FRAMES_A_SECOND = 5.0
# People are followed from frame to frame: at 5 a second somebody who hurries would be lost.
FRAMES_A_SECOND_FOR_PASSAGES = 10.0


def is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES


def frames(
    path: Path, every: int | None = None, a_second: float = FRAMES_A_SECOND
) -> Iterator[Frame]:
    """Frames with their numbers and times in the video.

    Args:
        every: take every n-th frame; None takes about `a_second`.

    Raises:
        BadInput: the file cannot be read as a video.
    """
    video = _opened(path)
    try:
        rate, step = _pace(video, every, a_second)
        number = 0
        while video.grab():
            if number % step == 0:
                read, frame = video.retrieve()
                if read:
                    yield Frame(number, number / rate, rgb(frame))
            number += 1
        if number == 0:
            raise BadInput(f"{path} holds no frame that can be read; is it cut off?")
    finally:
        video.release()


def seconds_between(path: Path, every: int | None, a_second: float = FRAMES_A_SECOND) -> float:
    """From one of the frames that `frames` yields to the next. Raises BadInput."""
    video = _opened(path)
    try:
        rate, step = _pace(video, every, a_second)
        return step / rate
    finally:
        video.release()


def _opened(path: Path) -> Any:  # noqa: ANN401 - OpenCV has no types
    import cv2

    video = cv2.VideoCapture(str(path))
    if not video.isOpened():
        video.release()
        raise BadInput(f"{path} cannot be read as a video; give an mp4, mov, mkv or webm file")
    return video


def _pace(video: Any, every: int | None, a_second: float) -> tuple[float, int]:  # noqa: ANN401
    """Frames a second, and every how manieth is taken."""
    import cv2

    rate = frame_rate(video.get(cv2.CAP_PROP_FPS))
    return rate, every or max(round(rate / a_second), 1)


def frame_rate(said: float) -> float:
    """Frames a second, where the file's or camera's own word makes sense; else 25."""
    return said if np.isfinite(said) and 1 <= said <= 240 else 25.0


def rgb(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """OpenCV's frame, grey, BGR or BGRA, as (h, w, 3) uint8 RGB."""
    if frame.ndim == 2:
        frame = frame[:, :, None]
    if frame.shape[2] == 1:
        return np.repeat(frame, 3, axis=2)
    return np.ascontiguousarray(frame[:, :, 2::-1])
