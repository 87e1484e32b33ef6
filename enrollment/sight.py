"""What is seen on one photo that somebody is to be enrolled with; the photo itself is let go."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from enrollment.capture import Capture, CapturedFace
from enrollment.photo import Photo, decode
from enrollment.portrait import Portrait, portrait_of
from enrollment.reasons import Reason


@dataclass(frozen=True)
class Sight:
    """digest: SHA-256 of the photo's bytes. faces: largest first; None: nobody looked, because the
    photo was known. portraits: of those faces that may be kept, by their number."""

    digest: bytes
    faces: tuple[CapturedFace, ...] | None
    portraits: Mapping[int, Portrait]


def see(
    photo: Photo,
    capture: Capture,
    is_kept: Callable[[CapturedFace], bool],
    is_known: Callable[[bytes], bool] = lambda digest: False,
) -> Sight | Reason:
    """Decode a photo, find its faces and embed them; or why that cannot be done."""
    picture = decode(photo)
    if isinstance(picture, Reason):
        return picture
    if is_known(picture.digest):
        return Sight(picture.digest, None, {})
    (faces,) = capture.faces([picture.image])
    portraits = {
        number: portrait_of(picture.image, face, photo.source)
        for number, face in enumerate(faces)
        if is_kept(face)
    }
    return Sight(picture.digest, tuple(faces), portraits)
