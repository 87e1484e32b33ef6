"""The one way from a file's bytes to pixels: everything below sees upright RGB arrays."""

import hashlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from enrollment.reasons import Reason, ReasonCode
from wording.message import message

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 25_000_000


@dataclass(frozen=True)
class Photo:
    """A photo that has not been read yet.

    source: how the person who gave it knows it (a path, a name in an archive).
    read: gives its bytes, at most `MAX_BYTES` + 1 of them; may raise OSError.
    insisted: somebody looked and says that it shows this person, although it is unlike the others.
    face: the number of the face that somebody pressed, of those that may be meant; None: not asked.
    """

    source: str
    read: Callable[[], bytes]
    insisted: bool = False
    face: int | None = None


def photo_file(path: Path) -> Photo:
    return Photo(str(path), lambda: _read_capped(path))


def photo_bytes(source: str, data: bytes) -> Photo:
    return Photo(source, lambda: data)


@dataclass(frozen=True)
class Picture:
    """A decoded photo.

    digest: SHA-256 of its bytes; image: (h, w, 3) uint8 RGB, upright.
    """

    digest: bytes
    image: NDArray[np.uint8]


def decode(photo: Photo) -> Picture | Reason:
    """Read and decode; every way in which that can fail is a reason, not an exception."""
    try:
        data = photo.read()
    except OSError as error:
        return Reason(
            ReasonCode.UNREADABLE_IMAGE,
            message("the file cannot be read: {error}", error=error.strerror or _said(error)),
        )
    if len(data) > MAX_BYTES:
        return Reason(
            ReasonCode.TOO_LARGE,
            message(
                "the file is larger than {most} MB; save a smaller one",
                most=MAX_BYTES // 1024 // 1024,
            ),
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decode(data)
    except UnidentifiedImageError:
        return _unidentified(data)
    except Image.DecompressionBombWarning:
        return _too_many_pixels()
    except Exception as error:  # Pillow's decoders raise many kinds for a damaged file
        return Reason(
            ReasonCode.UNREADABLE_IMAGE,
            message(
                "the image is damaged ({error}); save it again or take another",
                error=type(error).__name__,
            ),
        )


def _decode(data: bytes) -> Picture | Reason:
    with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
        if opened.width * opened.height > MAX_PIXELS:
            return _too_many_pixels(opened.width, opened.height)
        if getattr(opened, "n_frames", 1) > 1 and opened.format in ("PNG", "WEBP"):
            return Reason(
                ReasonCode.UNSUPPORTED_FORMAT,
                message("the image is animated; save one frame as a photo"),
            )
        return Picture(hashlib.sha256(data).digest(), _upright_rgb(opened))


def _upright_rgb(opened: Image.Image) -> NDArray[np.uint8]:
    image = ImageOps.exif_transpose(opened)
    if image.mode.startswith("I"):
        # Pillow clips 16-bit grey at 255 when it converts, so scale first.
        deep = np.asarray(image, np.float64)
        grey = np.clip(deep / 257, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.has_transparency_data:
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    return np.array(image.convert("RGB"), np.uint8)


def _unidentified(data: bytes) -> Reason:
    known = {b"GIF8": "GIF", b"BM": "BMP", b"II*\x00": "TIFF", b"MM\x00*": "TIFF", b"%PDF": "PDF"}
    kind = next((name for magic, name in known.items() if data.startswith(magic)), None)
    if data[4:8] == b"ftyp":
        return Reason(
            ReasonCode.UNSUPPORTED_FORMAT,
            message("HEIC, AVIF or video is not supported; save it as JPEG, PNG or WebP"),
        )
    if kind is None:
        return Reason(
            ReasonCode.UNREADABLE_IMAGE,
            message("this is not an image; give a JPEG, PNG or WebP photo"),
        )
    return Reason(
        ReasonCode.UNSUPPORTED_FORMAT,
        message("{kind} is not supported; save it as JPEG, PNG or WebP", kind=kind),
    )


def _too_many_pixels(width: int | None = None, height: int | None = None) -> Reason:
    most = MAX_PIXELS // 1_000_000
    if width is None:
        return Reason(
            ReasonCode.TOO_LARGE,
            message(
                "the image has far too many pixels, more than {most} million; save a smaller one",
                most=most,
            ),
        )
    return Reason(
        ReasonCode.TOO_LARGE,
        message(
            "the image has {width} x {height} pixels, more than {most} million; save a smaller one",
            width=width,
            height=height,
            most=most,
        ),
    )


def _said(error: OSError) -> str:
    """What was raised with a message of ours keeps it, so that it can be translated."""
    first = error.args[0] if len(error.args) == 1 else None
    return first if isinstance(first, str) else str(error)


def _read_capped(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def encode_jpeg(image: NDArray[np.uint8], quality: int = 95) -> bytes:
    """(h, w, 3) uint8 RGB as JPEG bytes, without metadata."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()
