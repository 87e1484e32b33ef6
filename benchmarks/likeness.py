"""Which pairs reach the bar of "the same picture given twice" (enrollment/enroller.py).

    python -m benchmarks.likeness                    303 people of LFW, about 4 minutes
    python -m benchmarks.likeness --people 50 --detector mtcnn

Every two different photos of one person should stay below it, and a photo saved again should reach
it. Bounds are exact 95 % intervals.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.quality_limits import face_of, open_capture, pixels, progress, rate
from benchmarks.split import LFW
from enrollment.capture import Capture, CapturedFace
from enrollment.enroller import SAME_PICTURE
from enrollment.photo import encode_jpeg, photo_bytes, photo_file
from models.likeness import likeness

KNOWN = LFW / "known"
# JPEG quality, and the size as a multiple of the photo's.
SAVED = ((95, 1.0), (75, 1.0), (50, 1.0), (95, 0.5), (95, 1.6))
TENTH = 0.1


@dataclass(frozen=True)
class Pair:
    alike: float
    one: str
    other: str


@dataclass(frozen=True)
class Copy:
    """A photo saved again. moved: how far the landmark that moved most did, in eye distances."""

    alike: float
    moved: float


Faces = dict[Path, CapturedFace]
Copies = dict[tuple[int, float], list[Copy | None]]  # None: no face was found in the copy


def save_again(image: NDArray[np.uint8], quality: int, size: float) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    sized = Image.fromarray(image)
    if size != 1:
        sized = sized.resize((round(width * size), round(height * size)), Image.Resampling.LANCZOS)
    return pixels(photo_bytes("a copy", encode_jpeg(np.asarray(sized), quality)))


def copy_of(
    capture: Capture, image: NDArray[np.uint8], face: CapturedFace, quality: int, size: float
) -> Copy | None:
    again = face_of(capture, save_again(image, quality, size))
    if again is None:
        return None
    before, after = face.face.landmarks, again.face.landmarks / size
    moved = float(np.linalg.norm(after - before, axis=1).max())
    eyes = float(np.linalg.norm(before[1] - before[0]))
    return Copy(likeness(again.crop, face.crop), moved / eyes)


def look(capture: Capture, photos: Sequence[Path]) -> tuple[Faces, Copies]:
    faces: Faces = {}
    copies: Copies = {saved: [] for saved in SAVED}
    for photo in progress(photos):
        image = pixels(photo_file(photo))
        face = face_of(capture, image)
        if face is None:
            continue
        faces[photo] = face
        for quality, size in SAVED:
            copies[quality, size].append(copy_of(capture, image, face, quality, size))
    return faces, copies


def pairs_of(faces: Faces) -> list[Pair]:
    """Every two photos of one person: the later one against the earlier, as the enroller does."""
    return [
        Pair(likeness(faces[later].crop, faces[earlier].crop), earlier.name, later.name)
        for earlier, later in combinations(faces, 2)
        if earlier.parent == later.parent
    ]


def print_pairs(pairs: Sequence[Pair]) -> None:
    ranked = sorted(pairs, key=lambda pair: -pair.alike)
    reached = [pair for pair in ranked if pair.alike >= SAME_PICTURE]
    print(f"\ntwo different photos of one person: {rate(len(reached), len(ranked))}")
    for pair in reached:
        print(f"  {pair.alike:.3f}  {pair.one}  {pair.other}")
    below = max((pair.alike for pair in ranked if pair.alike < SAME_PICTURE), default=-1.0)
    tail = np.percentile([pair.alike for pair in ranked], 99)
    print(f"  highest of the others {below:.3f}; 99 % of all are below {tail:.3f}")


def print_copies(copies: Copies) -> None:
    print("\na photo saved again (landmarks moved: in eye distances, the one that moved most)")
    for (quality, size), found in copies.items():
        faces = [copy for copy in found if copy]
        reached = sum(copy.alike >= SAME_PICTURE for copy in faces)
        moved = np.asarray([copy.moved for copy in faces])
        print(
            f"  JPEG {quality}, size x {size:<4g} {rate(reached, len(found))}\n"
            f"    landmarks moved: half by {np.median(moved):.3f} or more, "
            f"{(moved >= TENTH).mean():.1%} by a tenth or more; no face {len(found) - len(faces)}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--detector", choices=["yunet", "mtcnn"], default="yunet")
    parser.add_argument("--people", type=int, help="so many people (all)")
    arguments = parser.parse_args()
    if not KNOWN.is_dir():
        sys.exit(f"the evaluation photos are not here: {KNOWN}")
    people = sorted(KNOWN.iterdir())[: arguments.people]
    photos = [photo for person in people for photo in sorted(person.iterdir())]
    faces, copies = look(open_capture(arguments.detector), photos)
    print(
        f"LFW, {arguments.detector}: {len(people)} people, {len(photos):,} photos, a face in "
        f"{len(faces):,}; shares that reach {SAME_PICTURE}"
    )
    print_pairs(pairs_of(faces))
    print_copies(copies)


if __name__ == "__main__":
    main()
