"""Eight golden images: a drawn face each, the same bytes on every machine.

Integer arithmetic only, no image library and no floating point, so that nothing but the backbone
can make their embeddings differ.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GOLDEN_COUNT = 8
SIDE = 256  # px

Colour = tuple[int, int, int]


def golden_image(number: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Image `number` (0..7), (256, 256, 3) RGB uint8, and its five landmarks as in `Face`."""
    if not 0 <= number < GOLDEN_COUNT:
        raise ValueError(f"golden images are 0 to {GOLDEN_COUNT - 1}, not {number}")
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.int64)
    shift = 6 * (number % 3) - 6
    middle = 128 + shift
    gap, eye_y, nose_y, mouth_y = 27 + number % 4, 112 + shift, 146 + number % 5, 176 + number % 3
    image = np.empty((SIDE, SIDE, 3), dtype=np.int64)
    for channel in range(3):  # a background that differs in each colour
        image[:, :, channel] = (x * (channel + 1) + y * (3 - channel) + 37 * number) // 4 % 256

    skin = (150 + 12 * number, 110 + 11 * number, 80 + 13 * number)
    hair = (30 + 25 * (number % 4), 20 + 17 * (number % 5), 10 + 9 * (number % 7))
    _ellipse(image, (middle, 108), (70, 88), hair)
    _ellipse(image, (middle, 136), (60, 76), skin)
    shade = (x - middle) * (1 if number % 2 else -1) // 3  # light from one side
    image += np.clip(shade, -24, 24)[:, :, None]
    for side in (-1, 1):
        eye = (middle + side * gap, eye_y)
        _ellipse(image, (eye[0], eye_y - 16), (16, 3 + number % 3), hair)
        _ellipse(image, eye, (13, 7), (235, 232, 228))
        _ellipse(image, eye, (6, 6), (40 + 20 * number, 70, 160 - 15 * number))
        _ellipse(image, eye, (2, 2), (8, 8, 8))
    _ellipse(
        image, (middle, nose_y), (11 + number % 3, 7), (skin[0] - 35, skin[1] - 35, skin[2] - 35)
    )
    _ellipse(
        image, (middle, (eye_y + nose_y) // 2), (4, 18), (skin[0] + 18, skin[1] + 18, skin[2] + 18)
    )
    _ellipse(image, (middle, mouth_y), (24, 7 + number % 4), (170 - 6 * number, 60, 70))
    _ellipse(image, (middle, mouth_y), (22, 2), (60, 20, 25))
    grain = (x * 7919 + y * 104729 + (x * y + number) * 31) % 17 - 8
    image += grain[:, :, None]

    landmarks = np.array(
        [
            (middle - gap, eye_y),
            (middle + gap, eye_y),
            (middle, nose_y),
            (middle - 22, mouth_y),
            (middle + 22, mouth_y),
        ],
        dtype=np.float32,
    )
    return np.clip(image, 0, 255).astype(np.uint8), landmarks


def _ellipse(
    image: NDArray[np.int64], centre: tuple[int, int], radii: tuple[int, int], colour: Colour
) -> None:
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.int64)
    across, down = (x - centre[0]) * radii[1], (y - centre[1]) * radii[0]
    image[across**2 + down**2 <= (radii[0] * radii[1]) ** 2] = colour
