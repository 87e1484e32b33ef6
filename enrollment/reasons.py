"""Why a photo or a face was refused: a stable code, and a sentence with the number that failed."""

from dataclasses import dataclass
from enum import StrEnum


class ReasonCode(StrEnum):
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    FACE_TOO_SMALL = "face_too_small"
    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"
    EYES_HIDDEN = "eyes_hidden"
    LOW_DETECTION = "low_detection"
    NOT_THIS_PERSON = "not_this_person"
    DUPLICATE_PHOTO = "duplicate_photo"
    NEAR_OTHER_SUBJECT = "near_other_subject"
    UNREADABLE_IMAGE = "unreadable_image"
    TOO_LARGE = "too_large"
    UNSUPPORTED_FORMAT = "unsupported_format"
    NO_CONSENT = "no_consent"
    LIVENESS_FAILED = "liveness_failed"


@dataclass(frozen=True)
class Reason:
    code: ReasonCode
    message: str
