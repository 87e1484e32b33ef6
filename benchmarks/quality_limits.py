"""What the limits of enrollment/quality.py refuse: ordinary photos, and blurred copies of them.

    python -m benchmarks.quality_limits                    all 3,537 photos, about 3 minutes
    python -m benchmarks.quality_limits --people 50 --detector mtcnn

Ordinary photos are the press photos of LFW. Bounds are exact 95 % intervals.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.split import LFW, STRANGERS, yunet
from enrollment.calibration import interval_95
from enrollment.capture import QUALITY_TEMPLATE, Capture, CapturedFace, main_face
from enrollment.photo import Photo, decode, photo_file
from enrollment.quality import ENROLLMENT_LIMITS, PROBE_LIMITS, Quality, QualityLimits, judge
from enrollment.reasons import Reason, ReasonCode
from models.alignment import AlignmentTemplate
from models.backbone import Backbone
from models.detector import open_detector

# A copy is blurred with a sigma of the eyes' distance divided by one of these.
BLURS = (22, 15, 11)
ORDINARY = "ordinary"
PERCENTILES = (0, 1, 50, 99, 100)

Measured = dict[str, list[Quality | None]]  # by the kind of photo; None: no face was found


class NoBackbone:
    """Embeds nothing, in the two words that `Capture` asks for.

    An embedding costs ten times what finding the face does, and no figure here needs one.
    """

    template: AlignmentTemplate = QUALITY_TEMPLATE

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.zeros((len(crops), 1), np.float32)


def open_capture(detector: str) -> Capture:
    spec = yunet() if detector == "yunet" else detector
    return Capture(open_detector(spec), cast(Backbone, NoBackbone()))


def pixels(photo: Photo) -> NDArray[np.uint8]:
    picture = decode(photo)
    if isinstance(picture, Reason):
        sys.exit(f"{photo.source}: {picture.message}")
    return picture.image


def face_of(capture: Capture, image: NDArray[np.uint8]) -> CapturedFace | None:
    (faces,) = capture.faces([image])
    return main_face(faces, image.shape)


def progress(photos: Sequence[Path]) -> Iterator[Path]:
    for i, photo in enumerate(photos):
        if i % 200 == 0:
            print(f"{i} of {len(photos)} photos", file=sys.stderr, flush=True)
        yield photo


def rate(count: int, of: int) -> str:
    low, high = interval_95(count, of)
    return f"{count:6,} of {of:6,}  {count / of:7.2%} (95 %: {100 * low:5.2f} to {100 * high:5.2f})"


def photos_of(people: int | None) -> list[Path]:
    known = sorted((LFW / "known").iterdir())[:people]
    several = [photo for person in known for photo in sorted(person.iterdir())]
    return several + sorted(STRANGERS.iterdir())[:people]


def measure(capture: Capture, photos: Iterable[Path]) -> Measured:
    """Each photo as it is, and blurred; the face of a copy is looked for anew, as at the door."""
    measured: Measured = {kind: [] for kind in (ORDINARY, *map(blur_name, BLURS))}
    for photo in photos:
        image = pixels(photo_file(photo))
        face = face_of(capture, image)
        measured[ORDINARY].append(face.quality if face else None)
        if face is None:
            continue
        eyes = float(np.linalg.norm(face.face.landmarks[1] - face.face.landmarks[0]))
        for part in BLURS:
            copy = face_of(capture, cv2.GaussianBlur(image, (0, 0), eyes / part))
            measured[blur_name(part)].append(copy.quality if copy else None)
    return measured


def blur_name(part: int) -> str:
    return f"blurred, sigma 1/{part} of the eyes' distance"


def refusals(quality: Quality | None, limits: QualityLimits) -> set[ReasonCode]:
    if quality is None:
        return {ReasonCode.NO_FACE}
    return {reason.code for reason in judge(quality, limits)}


def print_measures(found: Sequence[Quality]) -> None:
    print(f"\n{'ordinary photos':14} {'least':>8} {'1 %':>8} {'half':>8} {'99 %':>8} {'most':>8}")
    for name in (field.name for field in fields(Quality)):
        values = [abs(getattr(quality, name)) for quality in found]
        shown = " ".join(f"{value:8.2f}" for value in np.percentile(values, PERCENTILES))
        print(f"  {name:13} {shown}")
    print("  (yaw, pitch and roll without their sign)")


def print_refused(title: str, limits: QualityLimits, measured: Measured) -> None:
    print(f"\nrefused by {title}")
    for kind, qualities in measured.items():
        if not qualities:
            continue
        refused = [refusals(quality, limits) for quality in qualities]
        print(f"  {kind}")
        print(f"    {'for any reason':16} {rate(sum(map(bool, refused)), len(refused))}")
        for code in _codes(kind):
            count = sum(code in reasons for reasons in refused)
            print(f"    {code.value:16} {rate(count, len(refused))}")


def _codes(kind: str) -> tuple[ReasonCode, ...]:
    """Every limit for ordinary photos; for blurred ones what blur can be refused as."""
    if kind != ORDINARY:
        return (ReasonCode.BLURRED, ReasonCode.NO_FACE)
    return (
        ReasonCode.FACE_TOO_SMALL,
        ReasonCode.BLURRED,
        ReasonCode.TOO_DARK,
        ReasonCode.TOO_BRIGHT,
        ReasonCode.TURNED_AWAY,
        ReasonCode.LOW_DETECTION,
        ReasonCode.NO_FACE,
    )


def print_refused_photos(photos: Sequence[Path], qualities: Sequence[Quality | None]) -> None:
    print("\nordinary photos that ENROLLMENT_LIMITS refuse")
    for photo, quality in zip(photos, qualities, strict=True):
        if reasons := refusals(quality, ENROLLMENT_LIMITS):
            named = ", ".join(sorted(reason.value for reason in reasons))
            numbers = (
                f"yaw {quality.yaw:+.0f}, sharpness {quality.sharpness:.0f}" if quality else ""
            )
            print(f"  {photo.name:42} {named:14} {numbers}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--detector", choices=["yunet", "mtcnn"], default="yunet")
    parser.add_argument("--people", type=int, help="so many known people and strangers (all)")
    arguments = parser.parse_args()
    if not STRANGERS.is_dir():
        sys.exit(f"the evaluation photos are not here: {STRANGERS}")
    photos = photos_of(arguments.people)
    measured = measure(open_capture(arguments.detector), progress(photos))
    found = [quality for quality in measured[ORDINARY] if quality]
    print(f"LFW, {arguments.detector}: {len(photos):,} photos, a face in {len(found):,}")
    print_measures(found)
    print_refused("ENROLLMENT_LIMITS", ENROLLMENT_LIMITS, measured)
    print_refused_photos(photos, measured[ORDINARY])
    print_refused("PROBE_LIMITS", PROBE_LIMITS, measured)


if __name__ == "__main__":
    main()
