"""A backbone of one's own: an ONNX file and the TOML that describes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.alignment import AlignmentTemplate
from models.backbone import ScorePriors
from models.embedding import check_crops, unit_rows
from models.errors import BadModelFile, ModelError
from models.onnx_description import OnnxDescription, read_description
from models.onnx_file import checked_onnx
from models.weights import WeightsFile, weights_file
from wording.message import message, words_of

BATCH = 32  # crops that go through at once where the file's batch is free
THREADS = 2

# Measured on one ONNX backbone, retail-0095, and used for any other until its gallery has measured
# its own or its TOML has [priors]: LFW, 303 people, 2,337 photos, 1,200 strangers, YuNet points
# (MTCNN points: the same within 0.01).
# same_person: 10,726 genuine and 409,353 impostor pairs, best balanced accuracy (99.65 %) at 0.31;
# a little below it fewer own photos are set aside (`python -m benchmarks.guards`).
# threshold: 1 stranger in 100 above it for some mean of 3 photos, 10 draws: 0.472 +- 0.003; it
# finds 99.3 % of the enrolled. collision: 1 newcomer in 1,000 (mean of 3) above it for somebody
# else of 302: 0.605; the same person with 3 other photos is above it in 99.9 %.
GENERIC_PRIORS = ScorePriors(
    same_person=0.29,
    threshold=0.47,
    collision=0.60,
    measured="LFW with retail-0095 and YuNet, November 2026: another network may differ much",
)


class OnnxBackbone:
    """An embedding in onnxruntime: CUDA when there is one, else the CPU."""

    def __init__(self, toml: Path) -> None:
        self._says: OnnxDescription = read_description(toml)
        try:
            content = checked_onnx(self._says.file)
            self.weights: WeightsFile = weights_file(self._says.file)
            self._session = _open_session(content)
            self._input, self._fixed_batch = _input(self._session, self._says)
            self.dimension = self._probe_dimension()
        except BadModelFile as error:
            raise BadModelFile(
                message(
                    "{file}: {error}; put back the file that was used, or export it again",
                    file=self._says.file,
                    error=words_of(error),
                )
            ) from error

    @property
    def name(self) -> str:
        """As the TOML names it."""
        return self._says.name

    @property
    def template(self) -> AlignmentTemplate:
        """As the TOML gives it."""
        return self._says.template

    @property
    def priors(self) -> ScorePriors:
        """The TOML's own, or those of a comparable network."""
        if self._says.priors is None:
            return GENERIC_PRIORS
        same_person, threshold, collision = self._says.priors
        return ScorePriors(same_person, threshold, collision, "given in the backbone's TOML file")

    @property
    def licence(self) -> str:
        """As the TOML gives it."""
        return self._says.licence

    @property
    def device(self) -> str:
        """Where onnxruntime runs it."""
        if "CUDAExecutionProvider" in self._session.get_providers():
            return "GPU: onnxruntime CUDA"
        return message("CPU: onnxruntime has no CUDA here")

    @property
    def description(self) -> Mapping[str, str]:
        """Weights, input, colour, scale, mean, normalisation."""
        width, height = self._says.template.size
        return {
            "backbone": self.name,
            "sha256": self.weights.sha256,
            "input": f"{width}x{height}",
            "layout": self._says.layout,
            "colour": self._says.colour,
            "scale": repr(self._says.scale),
            "mean": " ".join(repr(value) for value in self._says.mean),
            "normalisation": "l2",
            "transform": "identity",
            "runtime": "onnxruntime",
        }

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Backbone.embed`."""
        check_crops(crops, self.template.size)
        step = self._fixed_batch or BATCH
        parts = [self._run(crops[at : at + step]) for at in range(0, len(crops), step)]
        rows = np.concatenate(parts) if parts else np.empty((0, self.dimension), np.float32)
        return unit_rows(rows, len(crops), self.dimension)

    def _run(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        count = len(crops)
        pixels = crops if self._says.colour == "rgb" else crops[:, :, :, ::-1]
        values = pixels.astype(np.float32) * np.float32(self._says.scale)
        values -= np.asarray(self._says.mean, dtype=np.float32)
        if self._fixed_batch and count < self._fixed_batch:
            missing = self._fixed_batch - count
            values = np.concatenate([values, np.repeat(values[-1:], missing, axis=0)])
        if self._says.layout == "nchw":
            values = values.transpose(0, 3, 1, 2)
        try:
            output = self._session.run(None, {self._input: np.ascontiguousarray(values)})[0]
        except Exception as error:  # onnxruntime's own errors share no public base
            raise BadModelFile(
                message("onnxruntime cannot run it ({error})", error=_one_line(error))
            ) from error
        if output.ndim < 2 or output.shape[0] != len(values):
            raise BadModelFile(
                message(
                    "its output is {shape}, not one row for each of its crops", shape=output.shape
                )
            )
        rows: NDArray[np.float32] = output.reshape(len(output), -1)[:count].astype(np.float32)
        return rows

    def _probe_dimension(self) -> int:
        width, height = self._says.template.size
        rows = self._run(np.full((1, height, width, 3), 128, np.uint8))
        if rows.shape[1] < 2:
            raise BadModelFile(
                message(
                    "its output has {numbers} numbers: that is no embedding", numbers=rows.shape[1]
                )
            )
        return int(rows.shape[1])


def _open_session(content: bytes) -> Any:  # noqa: ANN401 - onnxruntime has no types
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            message(
                "onnxruntime cannot be loaded ({error}): pip install onnxruntime", error=str(error)
            )
        ) from error
    onnxruntime.disable_telemetry_events()  # Windows: elsewhere models/__init__.py did it
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    # Left to itself, a thread that waits for the other one spins. Where detectors want the cores as
    # well a crop then took 50 ms of processor for 27, and up to twice as long.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    wanted = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    providers = [name for name in wanted if name in onnxruntime.get_available_providers()]
    try:
        return onnxruntime.InferenceSession(content, options, providers=providers)
    except Exception as error:  # onnxruntime's own errors share no public base
        raise BadModelFile(
            message("onnxruntime cannot open it ({error})", error=_one_line(error))
        ) from error


def _input(session: Any, says: OnnxDescription) -> tuple[str, int]:  # noqa: ANN401
    """The name of the only input and its batch, 0 when that is free."""
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise BadModelFile(message("it has {n} inputs, and a backbone has one", n=len(inputs)))
    try:
        found, name = list(inputs[0].shape), str(inputs[0].name)
    except UnicodeDecodeError as error:  # onnxruntime takes names that are no text
        raise BadModelFile(
            message("the name of its input, or of a side of it, is no text")
        ) from error
    width, height = says.template.size
    expected = [3, height, width] if says.layout == "nchw" else [height, width, 3]
    if inputs[0].type != "tensor(float)" or len(found) != 4:
        raise BadModelFile(
            message(
                "its input is {kind} {shape}, not 4-d float32", kind=inputs[0].type, shape=found
            )
        )
    for have, want in zip(found[1:], expected, strict=True):
        if isinstance(have, int) and have > 0 and have != want:
            raise BadModelFile(
                message(
                    "its input is {shape}, and the TOML file's layout and input say {expected}",
                    shape=found[1:],
                    expected=expected,
                )
            )
    batch = found[0]
    return name, batch if isinstance(batch, int) and batch > 0 else 0


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
