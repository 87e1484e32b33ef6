"""The one way from a file's bytes to pixels: everything below sees upright RGB arrays."""

import atexit
import functools
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from enrollment.decoder import Decoder
from enrollment.reasons import Reason, ReasonCode
from wording.message import message

MAX_BYTES = 10 * 1024 * 1024
# By the brand that an ISO file (HEIF, AVIF, MP4) begins with: still pictures, HEVC as a rule.
_STILL_HEIF = (b"heic", b"heix", b"heim", b"heis", b"mif1")


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


def decode(photo: Photo, decoder: Decoder | None = None) -> Picture | Reason:
    """Read and decode; every way in which that can fail is a reason, not an exception.

    Args:
        decoder: None takes the process's own, which is started when it is first needed.
    """
    data = bytes_of(photo)
    if isinstance(data, Reason):
        return data
    pixels = _pixels(data, decoder)
    if isinstance(pixels, Reason):
        return pixels
    return Picture(hashlib.sha256(data).digest(), pixels)


def decode_small(
    photo: Photo, side: int, decoder: Decoder | None = None
) -> NDArray[np.uint8] | Reason:
    """As `decode`, (h, w, 3) uint8 RGB, of at most `side` px each way: for showing, quickly."""
    data = bytes_of(photo)
    return data if isinstance(data, Reason) else _pixels(data, decoder, side)


@functools.cache
def shared_decoder() -> Decoder:
    """The process's own.

    One for all and not one a gallery: what it limits, processes at work and their memory, is the
    machine's, and how a file is decoded depends on no gallery. Its processes end with this one, by
    `atexit` or because their socket closes.
    """
    decoder = Decoder()
    atexit.register(decoder.close)
    return decoder


def bytes_of(photo: Photo) -> bytes | Reason:
    """Its bytes, `MAX_BYTES` at most; or why they cannot be had."""
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
    return data


def _pixels(data: bytes, decoder: Decoder | None, side: int = 0) -> NDArray[np.uint8] | Reason:
    kind = _kind(data)
    if isinstance(kind, Reason):
        return kind
    return (decoder or shared_decoder()).pixels(data, kind, side)


def _kind(data: bytes) -> str | Reason:
    """By its first bytes alone, never by its name."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        return _kind_of_iso(data)
    known = {b"GIF8": "GIF", b"BM": "BMP", b"II*\x00": "TIFF", b"MM\x00*": "TIFF", b"%PDF": "PDF"}
    kind = next((name for magic, name in known.items() if data.startswith(magic)), None)
    if kind is None:
        return Reason(
            ReasonCode.UNREADABLE_IMAGE,
            message("this is not an image; give a JPEG, PNG, WebP or HEIC photo"),
        )
    return Reason(
        ReasonCode.UNSUPPORTED_FORMAT,
        message("{kind} is not supported; save it as JPEG, PNG, WebP or HEIC", kind=kind),
    )


def _kind_of_iso(data: bytes) -> str | Reason:
    brand, others = data[8:12], data[16 : min(int.from_bytes(data[:4], "big"), 256)]
    if brand in _STILL_HEIF and (brand != b"mif1" or b"avif" not in others):
        return "HEIF"
    return Reason(
        ReasonCode.UNSUPPORTED_FORMAT,
        message("AVIF or video is not supported; save it as JPEG, PNG, WebP or HEIC"),
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
