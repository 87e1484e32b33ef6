"""deepface's anti-spoofing (MiniVision's Silent-Face, FasNet): is this face a picture of a face?

Two small networks look at the face with more and less around it. Their weights are not shipped and
never downloaded here; where somebody has placed them they are used. What they let through has not
been measured by us.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import BadModelFile, ModelError, WeightsMissing
from models.onnx_file import checked_onnx
from wording.message import message

# deepface 0.0.103, models/spoofing/onnx/FasNet.py: file and how much of the picture it looks at.
FILES = (("2.7_80x80_MiniFASNetV2.onnx", 2.7), ("4_0_0_80x80_MiniFASNetV1SE.onnx", 4.0))
_SIDE = 80
_REAL = 1  # the class of real faces; 0 and 2 are kinds of pictures


def find_weights(folders: Sequence[Path]) -> tuple[Path, ...] | None:
    """Both files, from the first folder that holds both; None where none does."""
    for folder in folders:
        found = tuple(folder / name for name, _ in FILES)
        if all(path.is_file() for path in found):
            return found
    return None


def how_to_place(folders: Sequence[Path]) -> str:
    (one, _), (other, _) = FILES
    return message(
        "put {one} and {other} (of deepface's model releases) into {folder}",
        one=one,
        other=other,
        folder=str(folders[0]),
    )


class AntiSpoofing:
    """Safe to share between threads."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Raises WeightsMissing when the files are not there, BadModelFile when they are others."""
        found = find_weights(folders)
        if found is None:
            raise WeightsMissing(
                message(
                    "the weights of anti-spoofing are not here: {how}", how=how_to_place(folders)
                )
            )
        try:
            import onnxruntime
            from deepface.commons.onnx_utils import run_session
            from deepface.models.spoofing.FasNetUtils import crop
        except ImportError as error:
            raise ModelError(
                message("deepface cannot be loaded ({error})", error=str(error))
            ) from error
        self._crop, self._run = crop, run_session
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self._networks = [
                onnxruntime.InferenceSession(
                    checked_onnx(path), sess_options=options, providers=["CPUExecutionProvider"]
                )
                for path in found
            ]
            self.real(np.zeros((_SIDE, _SIDE, 3), np.uint8), (20, 20, 40, 40))
        except Exception as error:
            raise BadModelFile(
                message(
                    "{folder}: the files of anti-spoofing cannot be used ({error})",
                    folder=found[0].parent,
                    error=str(error),
                )
            ) from error

    def real(self, image: NDArray[np.uint8], box: tuple[int, int, int, int]) -> float:
        """How sure it is that the face is no picture, 0..1.

        Args:
            image: (h, w, 3) uint8 RGB; box: x, y, width, height of the face.
        """
        bgr = np.ascontiguousarray(image[:, :, ::-1])
        shares = [
            np.asarray(self._run(network, self._crop(bgr, box, scale, _SIDE, _SIDE))).reshape(-1)
            for network, (_, scale) in zip(self._networks, FILES, strict=True)
        ]
        if any(share.shape != (3,) for share in shares):
            raise ValueError("the network does not give three shares")
        return float(np.mean([share[_REAL] for share in shares]))
