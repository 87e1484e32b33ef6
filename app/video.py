"""Frames of a video file, as upright RGB arrays."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enrollment.errors import BadInput

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v")
_FRAMES_A_SECOND = 5.0


def is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEO_SUFFIXES


def frames(path: Path, every: int | None = None) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Frame numbers and (h, w, 3) uint8 RGB.

    Args:
        every: take every n-th frame; None takes about five a second.

    Raises:
        BadInput: the file cannot be read as a video.
    """
    import cv2

    video = cv2.VideoCapture(str(path))
    try:
        if not video.isOpened():
            raise BadInput(f"{path} cannot be read as a video; give an mp4, mov, mkv or webm file")
        rate = video.get(cv2.CAP_PROP_FPS) or 25.0
        step = every or max(round(rate / _FRAMES_A_SECOND), 1)
        number = 0
        while video.grab():
            if number % step == 0:
                read, frame = video.retrieve()
                if read:
                    yield number, np.ascontiguousarray(frame[:, :, ::-1])
            number += 1
        if number == 0:
            raise BadInput(f"{path} holds no frame that can be read; is it cut off?")
    finally:
        video.release()
