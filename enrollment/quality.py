"""Is this face good enough? Measures with units, and limits that say which number failed."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from enrollment.reasons import Reason, ReasonCode
from wording.message import message


@dataclass(frozen=True)
class Quality:
    """What was measured of one face.

    face_px: px between the eyes in the photo as given, or from the eyes to the mouth where that
        is more: a turned head's eyes are near each other, but the head is not small.
    sharpness: mean square of the Laplacian of the aligned grey face over its variance, x 1000.
    brightness: mean grey of the aligned face, 0..255.
    contrast: standard deviation of that grey.
    yaw, pitch, roll: degrees, estimated from five landmarks: right to about 10 degrees.
    confidence: the detector's own, 0..1.
    """

    face_px: float
    sharpness: float
    brightness: float
    contrast: float
    yaw: float
    pitch: float
    roll: float
    confidence: float

    def as_numbers(self) -> dict[str, float]:
        return {name: round(float(value), 3) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class QualityLimits:
    face_px: float
    sharpness: float
    darkest: float
    brightest: float
    contrast: float
    yaw: float
    pitch: float
    roll: float
    confidence: float


# `python -m benchmarks.quality_limits` (3,537 press photos of LFW, YuNet): 10 of them fail (0.28 %,
# 95 %: 0.14 to 0.52), 9 turned by 50 degrees or more and one blurred; of copies blurred with a
# sigma of 1/22, 1/15 and 1/11 of the eyes' distance 0.3, 10 and 74 % fail.
ENROLLMENT_LIMITS = QualityLimits(
    face_px=20,
    sharpness=30,
    darkest=25,
    brightest=235,
    contrast=8,
    yaw=50,
    pitch=45,
    roll=60,
    confidence=0.75,
)
# A probe is refused only where its embedding says nothing; otherwise it is decided. None of those
# photos fails, and 2 of the copies that were blurred most.
PROBE_LIMITS = QualityLimits(
    face_px=8,
    sharpness=4,
    darkest=10,
    brightest=250,
    contrast=3,
    yaw=75,
    pitch=75,
    roll=180,
    confidence=0.6,
)


def assess(crop: NDArray[np.uint8], landmarks: NDArray[np.float32], confidence: float) -> Quality:
    """Measure one face.

    Args:
        crop: the face aligned to `QUALITY_TEMPLATE`, (h, w, 3) uint8 RGB.
        landmarks: (5, 2) in pixels of the photo.
    """
    grey = crop.astype(np.float32) @ np.asarray((0.299, 0.587, 0.114), np.float32)
    yaw, pitch, roll = head_pose(landmarks)
    return Quality(
        face_px=_face_px(landmarks),
        sharpness=_sharpness(grey),
        brightness=float(grey.mean()),
        contrast=float(grey.std()),
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        confidence=confidence,
    )


def usefulness(quality: Quality) -> float:
    """How much an embedding of this face says, 0..1, to weigh one frame against another.

    Size and sharpness count up to what enrollment is content with twice over; a turned head and
    an unsure detector take away.
    """
    size = min(quality.face_px / (2 * ENROLLMENT_LIMITS.face_px), 1.0)
    sharp = min(quality.sharpness / (2 * ENROLLMENT_LIMITS.sharpness), 1.0)
    turn = np.radians((quality.yaw, quality.pitch)).clip(-np.pi / 2, np.pi / 2)
    facing = float(np.cos(turn).prod())
    return float(max(size * np.sqrt(sharp) * facing * quality.confidence, 0.0))


def judge(quality: Quality, limits: QualityLimits) -> list[Reason]:
    """Every limit that the face misses, not only the first."""
    checks = [
        (
            quality.face_px < limits.face_px,
            ReasonCode.FACE_TOO_SMALL,
            message(
                "the eyes are {px:.0f} px apart, at least {least:.0f} are needed; come closer",
                px=quality.face_px,
                least=limits.face_px,
            ),
        ),
        (
            quality.sharpness < limits.sharpness,
            ReasonCode.BLURRED,
            message(
                "sharpness is {sharpness:.0f}, at least {least:.0f} is needed; hold still or focus",
                sharpness=quality.sharpness,
                least=limits.sharpness,
            ),
        ),
        (
            quality.brightness < limits.darkest or quality.contrast < limits.contrast,
            ReasonCode.TOO_DARK,
            message(
                "brightness is {brightness:.0f} (at least {darkest:.0f}) and contrast "
                "{contrast:.0f} (at least {least:.0f}); more light on the face",
                brightness=quality.brightness,
                darkest=limits.darkest,
                contrast=quality.contrast,
                least=limits.contrast,
            ),
        ),
        (
            quality.brightness > limits.brightest,
            ReasonCode.TOO_BRIGHT,
            message(
                "brightness is {brightness:.0f}, at most {most:.0f}; less light",
                brightness=quality.brightness,
                most=limits.brightest,
            ),
        ),
        (
            abs(quality.yaw) > limits.yaw
            or abs(quality.pitch) > limits.pitch
            or abs(quality.roll) > limits.roll,
            ReasonCode.TURNED_AWAY,
            message(
                "the head is turned {yaw:+.0f} (at most {most_yaw:.0f}), nods "
                "{pitch:+.0f} (at most {most_pitch:.0f}) and leans {roll:+.0f} "
                "(at most {most_roll:.0f}) degrees; look towards the camera",
                yaw=quality.yaw,
                most_yaw=limits.yaw,
                pitch=quality.pitch,
                most_pitch=limits.pitch,
                roll=quality.roll,
                most_roll=limits.roll,
            ),
        ),
        (
            quality.confidence < limits.confidence,
            ReasonCode.LOW_DETECTION,
            message(
                "the detector is only {confidence:.2f} sure that this is a face, "
                "{least:.2f} is needed; show the whole face",
                confidence=quality.confidence,
                least=limits.confidence,
            ),
        ),
    ]
    return [Reason(code, said) for failed, code, said in checks if failed]


def head_pose(landmarks: NDArray[np.float32]) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees from five landmarks as seen; 0, 0, 0 looks at the camera.

    Positive yaw: the nose points to the image's right; positive pitch: it points down; positive
    roll: the head leans to the image's right. A nose tip stands about 0.55 eye distances before
    the plane of eyes and mouth, so its shift in that plane is the sine of the turn.
    """
    left, right, nose, mouth_left, mouth_right = landmarks.astype(np.float64)
    across = right - left
    roll = np.degrees(np.arctan2(across[1], across[0]))
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    x = across / max(float(np.linalg.norm(across)), 1e-6)
    y = np.array([-x[1], x[0]])
    height = float((mouth - eyes) @ y)
    # Turning narrows the eyes' distance and nodding the face's height: the larger one is the scale.
    scale = max(float(np.linalg.norm(across)), abs(height) * 0.95, 1e-6)
    middle = (eyes + mouth) / 2
    offset = nose - middle
    yaw = np.degrees(np.arcsin(np.clip(float(offset @ x) / (0.55 * scale), -1, 1)))
    pitch = np.degrees(np.arcsin(np.clip(float(offset @ y) / (0.55 * scale) - 0.18, -1, 1)))
    return float(yaw), float(pitch), float(roll)


def _face_px(landmarks: NDArray[np.float32]) -> float:
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:].mean(axis=0)
    between = float(np.linalg.norm(landmarks[1] - landmarks[0]))
    return max(between, float(np.linalg.norm(mouth - eyes)))


def _sharpness(grey: NDArray[np.float32]) -> float:
    # The middle only: where the photo ends the crop is black, and that edge is sharp.
    height, width = grey.shape
    middle = grey[height // 5 : -height // 8, width // 5 : -width // 5]
    # Pairs of pixels are averaged: below that size it is the rounding to 8 bits that is measured.
    middle = middle[: middle.shape[0] // 2 * 2, : middle.shape[1] // 2 * 2]
    half = middle.reshape(middle.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3))
    laplacian = (
        half[:-2, 1:-1] + half[2:, 1:-1] + half[1:-1, :-2] + half[1:-1, 2:] - 4 * half[1:-1, 1:-1]
    )
    # Divided by the variance, so that a pale face is not taken for a blurred one.
    return float(1000 * (laplacian**2).mean() / max(float(half.var()), 1.0))
