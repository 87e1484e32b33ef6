"""Fictional people, drawn: for the demo and for end-to-end tests.

Detectors find them and recognisers tell them apart, but they look more alike to recognisers than
real people do. Report no accuracy and tune no threshold from these pictures.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from demo import identity, scene
from demo import picture as pictures

# Of the seeds 0 to 309, those farthest from each other for two recognisers at once (dlib's and
# OpenVINO's face-reidentification-retail-0095: farthest-point selection on means of three
# pictures), without those for which MTCNN did not find exactly one face, at a confidence of .9 or
# more, in each of the pictures 0 to 5. After a change to how faces are drawn, pick them again.
PEOPLE: tuple[int, ...] = (
    *(15, 20, 44, 49, 62, 95, 98, 99, 105, 106, 116, 152),
    *(175, 177, 185, 188, 216, 238, 245, 253, 257, 270, 292, 297),
)

# Invented, and chosen to be hard on whatever stores, sorts or prints names.
NAMES: tuple[str, ...] = (
    "Kwame Asante",
    "Lucía Ibáñez",
    "Zoë Brønsted",
    "Mikołaj Żuk",
    "Ifẹ́ Adébáyọ̀",
    "Jürgen Weiß",
    "Ελένη Παππά",
    "Amadou N'Diaye",
    "Tariku Bekele",
    "佐藤 美咲",
    "Niamh Ní Bhriain",
    "Marisol Peña",
    "Hüseyin Çağlar",
    "José Núñez",
    "राघव मेनन",
    "Ana-Lúcia Conceição",
    "प्रिया शर्मा",
    "Łucja Dąbrowska",
    "أمين حدّاد",
    "Đorđe Savić",
    "Malakai Tūpou",
    "Ingrid Ångström",
    "Олена Коваль",
    "Þórir Jónsson",
)

_SPACING = 0.8  # of a square: people in a group stand a little closer


def portrait(
    person: int,
    picture: int,
    *,
    size: int = 480,
    hard: float = 0.6,
    turned: tuple[float, float] | None = None,
) -> NDArray[np.uint8]:
    """One person in RGB, (size, size, 3), the same for the same arguments.

    `picture` chooses pose, expression, light, clothes and background; `hard` says how far they
    vary: 0 is a passport photo, 1 turns the head by up to 20 degrees. `turned`: instead of that
    pose, degrees to the person's own left and down; 40 to a side and 25 up or down look natural.
    """
    taken = pictures.picture(person, picture, hard)
    if turned is not None:
        taken = replace(taken, pose=pictures.Pose(turned[0], -turned[1]))
    sitter = scene.Sitter(identity.identity(person), taken, 0.0)
    return scene.scene([sitter], size, size)


def group(people: Sequence[tuple[int, int]], *, size: int = 360) -> NDArray[np.uint8]:
    """Several (person, picture) side by side in one RGB picture, `size` high."""
    if not people:
        raise ValueError("a group needs at least one (person, picture)")
    step = size * _SPACING
    sitters = [
        scene.Sitter(identity.identity(person), pictures.picture(person, number, 0.6), place * step)
        for place, (person, number) in enumerate(people)
    ]
    return scene.scene(sitters, size, round(size + step * (len(people) - 1)))
