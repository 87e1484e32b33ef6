"""What is seen on one photo that somebody is to be enrolled with; the photo itself is let go."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from enrollment.capture import Capture, CapturedFace
from enrollment.photo import Photo, bytes_of, decode, photo_bytes
from enrollment.portrait import Portrait, portrait_of
from enrollment.quality import ENROLLMENT_LIMITS
from enrollment.reasons import Reason


@dataclass(frozen=True)
class Seen:
    """faces: largest first. portraits: of those that may be meant, by their number; no source."""

    faces: tuple[CapturedFace, ...]
    portraits: Mapping[int, Portrait]


@dataclass(frozen=True)
class Sight:
    """digest: SHA-256 of the photo's bytes. faces: largest first; None: nobody looked, because the
    photo was known. portraits: of those faces that may be meant, by their number."""

    digest: bytes
    faces: tuple[CapturedFace, ...] | None
    portraits: Mapping[int, Portrait]


# Pure: a photo's bytes in, faces or a reason out. May be done in another process.
Look = Callable[[bytes], Seen | Reason]


def see(
    photo: Photo, look: Look, is_known: Callable[[bytes], bool] = lambda digest: False
) -> Sight | Reason:
    """Read a photo and look at it, unless it is known; or why that cannot be done."""
    data = bytes_of(photo)
    if isinstance(data, Reason):
        return data
    digest = hashlib.sha256(data).digest()
    if is_known(digest):
        return Sight(digest, None, {})
    seen = look(data)
    if isinstance(seen, Reason):
        return seen
    portraits = {
        number: replace(portrait, details={**portrait.details, "source": photo.source})
        for number, portrait in seen.portraits.items()
    }
    return Sight(digest, seen.faces, portraits)


def look_at(data: bytes, capture: Capture) -> Seen | Reason:
    """Decode a photo, find its faces and embed them. A photo's source is nothing that is needed
    here: it may be a person's name."""
    picture = decode(photo_bytes("", data))
    if isinstance(picture, Reason):
        return picture
    (faces,) = capture.faces([picture.image])
    portraits = {
        number: portrait_of(picture.image, face, "")
        for number, face in enumerate(faces)
        if may_be_meant(face)
    }
    return Seen(tuple(faces), portraits)


def may_be_meant(face: CapturedFace) -> bool:
    """Large and certain enough: not the crowd in the background."""
    return (
        face.quality.face_px >= ENROLLMENT_LIMITS.face_px
        and face.quality.confidence >= ENROLLMENT_LIMITS.confidence
    )
