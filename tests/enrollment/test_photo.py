"""Every kind of file that people give, good and bad."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from enrollment.photo import MAX_BYTES, Photo, Picture, decode, photo_bytes, photo_file
from enrollment.reasons import Reason, ReasonCode

GRADIENT = np.stack(
    [
        np.tile(np.linspace(0, 255, 60, dtype=np.uint8), (40, 1)),
        np.full((40, 60), 90, np.uint8),
        np.tile(np.linspace(255, 0, 40, dtype=np.uint8)[:, None], (1, 60)),
    ],
    axis=2,
)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read(data: bytes) -> Picture | Reason:
    return decode(photo_bytes("x", data))


def pixels(data: bytes) -> np.ndarray:
    picture = read(data)
    assert isinstance(picture, Picture), picture
    assert picture.image.dtype == np.uint8
    assert picture.image.ndim == 3
    return picture.image


def code(data: bytes) -> ReasonCode:
    reason = read(data)
    assert isinstance(reason, Reason)
    assert reason.message
    assert "\n" not in reason.message
    return reason.code


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_formats(kind: str) -> None:
    image = pixels(saved(Image.fromarray(GRADIENT), kind, quality=95))
    assert np.abs(image.astype(int) - GRADIENT).mean() < 6


def test_rotated_by_exif() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.fromarray(np.rot90(GRADIENT, 1))
    assert np.array_equal(pixels(saved(turned, "PNG", exif=exif)), GRADIENT)


def test_grey_cmyk_palette_and_transparent() -> None:
    grey = Image.fromarray(GRADIENT).convert("L")
    image = pixels(saved(grey, "PNG"))
    assert np.array_equal(image[..., 0], np.asarray(grey))
    assert np.array_equal(image[..., 0], image[..., 2])
    cmyk = pixels(saved(Image.fromarray(GRADIENT).convert("CMYK"), "JPEG", quality=95))
    assert np.abs(cmyk.astype(int) - GRADIENT).mean() < 12
    assert pixels(saved(Image.fromarray(GRADIENT).convert("P"), "PNG")).shape == GRADIENT.shape
    clear = Image.new("RGBA", (5, 5), (255, 0, 0, 0))
    assert (pixels(saved(clear, "PNG")) == 255).all()


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    deep = np.tile(np.linspace(0, 65535, 60, dtype=np.uint16), (40, 1))
    image = pixels(saved(Image.fromarray(deep), "PNG"))
    assert np.abs(image[..., 0].astype(int) - GRADIENT[..., 0]).max() <= 1


def test_animated_and_foreign_formats_are_refused() -> None:
    frames = [Image.fromarray(GRADIENT), Image.fromarray(255 - GRADIENT)]
    for kind in ("PNG", "WEBP", "GIF"):
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
        assert code(data) == ReasonCode.UNSUPPORTED_FORMAT
    for kind in ("BMP", "TIFF", "PDF"):
        assert code(saved(frames[0], kind)) == ReasonCode.UNSUPPORTED_FORMAT
    for brand in (b"avif", b"avis", b"hevc", b"msf1", b"isom", b"mp42", b"mif1\0\0\0\0avif"):
        box = (8 + len(brand)).to_bytes(4, "big") + b"ftyp" + brand
        assert code(box + bytes(100)) == ReasonCode.UNSUPPORTED_FORMAT


def test_what_is_no_image() -> None:
    for data in (b"", b"hello, I am a text", b"\xff\xd8\xff", bytes(5000)):
        assert code(data) == ReasonCode.UNREADABLE_IMAGE
    whole = saved(Image.fromarray(GRADIENT), "JPEG")
    assert code(whole[: len(whole) // 2]) == ReasonCode.UNREADABLE_IMAGE
    assert code(saved(Image.fromarray(GRADIENT), "PNG")[:-30]) == ReasonCode.UNREADABLE_IMAGE


def bomb(side: int) -> bytes:
    """A PNG of side x side black pixels: small as a file, large in memory."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    # All rows are alike: one is packed, and repeated. Adler-32 of n zeros is n * 65536 + 1.
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    row = packer.compress(bytes(1 + side * 3)) + packer.flush(zlib.Z_FULL_FLUSH)
    check = (1 + side * 3) * side % 65521 * 65536 + 1
    body = b"\x78\xda" + row * side + packer.flush() + struct.pack(">I", check)
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_bombs_are_refused_before_they_are_unpacked() -> None:
    data = bomb(13_300)
    assert len(data) < 1_000_000
    assert code(data) == ReasonCode.TOO_LARGE
    assert code(bomb(5_100)) == ReasonCode.TOO_LARGE
    assert pixels(bomb(100)).shape == (100, 100, 3)


def test_size_of_the_file_is_limited_while_reading(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES * 3)
    assert len(photo_file(path).read()) == MAX_BYTES + 1
    reason = decode(photo_file(path))
    assert isinstance(reason, Reason)
    assert reason.code == ReasonCode.TOO_LARGE


def test_a_file_that_goes_away_is_a_reason(tmp_path: Path) -> None:
    reason = decode(photo_file(tmp_path / "gone.jpg"))
    assert isinstance(reason, Reason)
    assert reason.code == ReasonCode.UNREADABLE_IMAGE

    def fail() -> bytes:
        raise PermissionError(13, "Permission denied")

    reason = decode(Photo("x", fail))
    assert isinstance(reason, Reason)
    assert "Permission denied" in reason.message


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_mutated_images_are_pictures_or_reasons(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP"]))
    whole = bytearray(saved(Image.fromarray(GRADIENT), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(whole)))
    assert isinstance(read(bytes(whole[:cut])), Picture | Reason)
