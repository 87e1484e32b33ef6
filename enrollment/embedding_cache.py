"""Embeddings of a benchmark's photos, kept, because embedding is nearly all of its time.

One file for each fingerprint, so another detector, backbone or alignment never meets an old
embedding; in it a row for each photo, by the SHA-256 of its bytes. Embeddings are personal data:
folder and file are their owner's alone, and nothing of a gallery is ever put here.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from disk.arrays import read_arrays
from disk.whole_file import whole_file
from enrollment.ahead import ahead
from enrollment.capture import Capture, main_face
from enrollment.errors import BadInput
from enrollment.photo import Photo, decode, photo_bytes
from enrollment.reasons import Reason
from models.fingerprint import fingerprint

# An interrupted run loses at most this many photos' work: about half a minute.
_WRITE_EVERY = 256
_DIGEST = 32  # bytes of a SHA-256

# The embedding by the photo's digest; None where the photo has no usable face.
_Rows = dict[bytes, NDArray[np.float32] | None]


@dataclass(frozen=True)
class EmbeddedPhotos:
    """One row a photo, in the order in which they were given.

    vectors: (n, dimension) unit rows, a zero row where no face was found; found: (n,);
    computed: how many were not in the cache; damaged: the cache's file could not be used and was
    written anew.
    """

    vectors: NDArray[np.float32]
    found: NDArray[np.bool_]
    computed: int
    damaged: bool


def embed_photos(
    photos: Sequence[Photo],
    capture: Capture,
    folder: Path,
    tick: Callable[[int], None] = lambda photos: None,
    write_every: int = _WRITE_EVERY,
) -> EmbeddedPhotos:
    """The main face's embedding of each photo, whatever its quality; from the cache if it is there.

    Args:
        folder: made if it is absent, for its owner alone.
        tick: called with the number of photos done since the last call.
        write_every: after so many new photos the file is written, so a killed run goes on there.

    Raises:
        BadInput: the folder cannot be made or written to.
    """
    file = cache_file(folder, capture)
    _make(folder)
    rows, damaged = _read(file, capture.backbone.dimension)
    digests: list[bytes] = []
    computed = unwritten = 0
    for _, (key, vector) in ahead(lambda photo: _row_of(photo, rows, capture), photos):
        digests.append(key)
        if key not in rows:
            rows[key] = vector
            computed += 1
            unwritten += 1
        if unwritten >= write_every:
            _write(file, rows, capture.backbone.dimension)
            unwritten = 0
        tick(1)
    if unwritten or damaged:
        _write(file, rows, capture.backbone.dimension)
    nothing = np.zeros(capture.backbone.dimension, np.float32)
    vectors = [rows[key] for key in digests]
    return EmbeddedPhotos(
        np.stack([nothing if v is None else v for v in vectors]) if vectors else nothing[None][:0],
        np.asarray([v is not None for v in vectors], bool),
        computed,
        damaged,
    )


def cache_file(folder: Path, capture: Capture) -> Path:
    """Where the embeddings of this detector, alignment and backbone are."""
    return folder / f"{fingerprint(capture.detector, capture.backbone)}.npz"


def _content(photo: Photo) -> bytes:
    """Nothing when it cannot be read: nothing has no face, and is no other photo's digest."""
    try:
        return photo.read()
    except OSError:
        return b""


def _row_of(
    photo: Photo, rows: _Rows, capture: Capture
) -> tuple[bytes, NDArray[np.float32] | None]:
    """A photo's digest, and its main face's embedding unless `rows` has it."""
    content = _content(photo)
    key = hashlib.sha256(content).digest()
    if key in rows:
        return key, None
    picture = decode(photo_bytes("a photo", content))
    if isinstance(picture, Reason):
        return key, None
    face = main_face(capture.faces([picture.image])[0], picture.image.shape)
    return key, None if face is None else face.embedding


def _read(file: Path, dimension: int) -> tuple[_Rows, bool]:
    """What the file holds, and whether it is damaged: then nothing of it is believed."""
    if not file.exists():
        return {}, False
    try:
        arrays = read_arrays(file, ("digests", "found", "vectors"))
    except ValueError:
        return {}, True
    digests, found, vectors = arrays["digests"], arrays["found"], arrays["vectors"]
    n = digests.shape[0] if digests.ndim else 0
    fits = (
        (digests.shape, digests.dtype) == ((n, _DIGEST), np.dtype(np.uint8))
        and (found.shape, found.dtype) == ((n,), np.dtype(np.bool_))
        and (vectors.shape, vectors.dtype) == ((n, dimension), np.dtype(np.float32))
    )
    if not fits or not np.allclose(np.linalg.norm(vectors, axis=1), found, atol=1e-3):
        return {}, True
    keys = (digest.tobytes() for digest in digests)
    return {k: v if f else None for k, v, f in zip(keys, vectors, found, strict=True)}, False


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _cannot_keep(folder, error) from error


def _write(file: Path, rows: _Rows, dimension: int) -> None:
    """The file appears whole or not at all."""
    nothing = np.zeros(dimension, np.float32)
    arrays = {
        "digests": np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), _DIGEST),
        "found": np.asarray([row is not None for row in rows.values()], bool),
        "vectors": np.stack([nothing if row is None else row for row in rows.values()]),
    }
    try:
        with whole_file(file) as opened:
            np.savez(opened, allow_pickle=False, **arrays)
    except OSError as error:
        raise _cannot_keep(file.parent, error) from error


def _cannot_keep(folder: Path, error: OSError) -> BadInput:
    return BadInput(
        f"embeddings cannot be kept in {folder} ({error.strerror or error}); give another folder"
    )
