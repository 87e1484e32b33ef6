"""What travels between processes, as bytes: JSON and arrays, and nothing that runs when read.

No name, no id and no source of a photo is among it.
"""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enrollment.capture import CapturedFace
from enrollment.portrait import Portrait
from enrollment.quality import Quality
from enrollment.reasons import Reason, ReasonCode
from enrollment.reembedding import Kept
from enrollment.sight import Seen
from models.detector import Face
from models.learners import Lesson
from wording.message import read_message, stored_message

_DOCUMENT = "document"
_PARTS = ("importance", "sites", "anchor")  # of a lesson, where it has them
_Rows = NDArray[np.float32]


def pack_seen(seen: Seen | Reason) -> bytes:
    if isinstance(seen, Reason):
        return _pack({"code": seen.code.value, "message": stored_message(seen.message)}, {})
    faces = [
        {
            "box": [int(side) for side in face.face.box],
            "confidence": float(face.face.confidence),
            "quality": {name: float(value) for name, value in vars(face.quality).items()},
        }
        for face in seen.faces
    ]
    arrays: dict[str, NDArray[Any]] = {}
    for number, face in enumerate(seen.faces):
        arrays[f"landmarks{number}"] = face.face.landmarks
        arrays[f"crop{number}"] = face.crop
        arrays[f"embedding{number}"] = face.embedding
    for number, portrait in seen.portraits.items():
        arrays[f"portrait{number}"] = np.frombuffer(portrait.image, np.uint8)
    details = {str(number): portrait.details for number, portrait in seen.portraits.items()}
    return _pack({"faces": faces, "portraits": details}, arrays)


def read_seen(packed: bytes) -> Seen | Reason:
    document, arrays = _read(packed)
    if "code" in document:
        return Reason(ReasonCode(document["code"]), read_message(document["message"]))
    faces = tuple(
        CapturedFace(
            Face(_box(found["box"]), arrays[f"landmarks{number}"], found["confidence"]),
            Quality(**found["quality"]),
            arrays[f"crop{number}"],
            arrays[f"embedding{number}"],
        )
        for number, found in enumerate(document["faces"])
    )
    portraits = {
        int(number): Portrait(arrays[f"portrait{number}"].tobytes(), details)
        for number, details in document["portraits"].items()
    }
    return Seen(faces, portraits)


def pack_kept(photos: Sequence[Kept]) -> bytes:
    """Kept photos, with their landmarks alone."""
    landmarks = [details.get("landmarks") for _, details in photos]
    images = {str(i): np.frombuffer(image, np.uint8) for i, (image, _) in enumerate(photos)}
    return _pack({"landmarks": landmarks}, images)


def read_kept(packed: bytes) -> list[Kept]:
    document, arrays = _read(packed)
    return [
        (arrays[str(i)].tobytes(), {} if landmarks is None else {"landmarks": landmarks})
        for i, landmarks in enumerate(document["landmarks"])
    ]


def pack_vectors(vectors: Sequence[_Rows | None]) -> bytes:
    here = {str(i): vector for i, vector in enumerate(vectors) if vector is not None}
    return _pack({"count": len(vectors)}, here)


def read_vectors(packed: bytes) -> list[_Rows | None]:
    document, arrays = _read(packed)
    return [arrays.get(str(i)) for i in range(document["count"])]


def pack_lesson(lesson: Lesson) -> bytes:
    """Positions stand for the subjects."""
    arrays = {name: getattr(lesson, name) for name in ("vectors", "owners", "champion", "changed")}
    arrays |= {n: part for n in _PARTS if (part := getattr(lesson, n)) is not None}
    return _pack({"subjects": len(lesson.subject_ids)}, arrays)


def read_lesson(packed: bytes) -> Lesson:
    document, arrays = _read(packed)
    return Lesson(tuple(map(str, range(document["subjects"]))), **arrays)


def pack_rows(rows: _Rows) -> bytes:
    return _pack({}, {"rows": rows})


def read_rows(packed: bytes) -> _Rows:
    return _read(packed)[1]["rows"]


def _pack(document: Mapping[str, object], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    text = np.frombuffer(json.dumps(document).encode(), np.uint8)
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **{_DOCUMENT: text, **arrays})
    return packed.getvalue()


def _read(packed: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    with np.load(io.BytesIO(packed), allow_pickle=False) as opened:
        arrays = {name: opened[name] for name in opened.files}
    document: dict[str, Any] = json.loads(arrays.pop(_DOCUMENT).tobytes())
    return document, arrays


def _box(sides: Sequence[int]) -> tuple[int, int, int, int]:
    left, top, width, height = sides
    return left, top, width, height
