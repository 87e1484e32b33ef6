"""VGG-Face with fc6 and fc7 made smaller: a backbone of its own, with its own fingerprint."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.compressed_file import CompressedNetwork, open_network, read_description
from models.compressed_layers import Factors, Layer, outputs_of, running
from models.compression import Affine, Floats
from models.embedding import check_crops, unit_rows
from models.fitting_batches import FittingBatches, Run
from models.tensorflow_runtime import load_tensorflow
from models.vgg_face import CPU_BATCH, FEATURES, GPU_BATCH, PRIORS, TEMPLATE, WAY, VggFace
from models.vgg_graph import Convolution, Dense, graph_of
from wording.message import message


class CompressedVgg:
    """What `rollcall compress` wrote. Nothing of it can be trained: its numbers are constants."""

    dimension = VggFace.dimension
    template = TEMPLATE
    licence = VggFace.licence
    # An error in the embedding moves cosines, by how much the report of its making says.
    priors = replace(PRIORS, measured="not measured: those of vgg-face, which it was made from")

    def __init__(self, toml: Path) -> None:
        self._toml = toml
        self._says = read_description(toml)
        network, self.weights = open_network(toml, self._says)
        self._tf, self.device = load_tensorflow()
        # Full float32 on newer GPUs too, as the parent.
        self._tf.config.experimental.enable_tensor_float_32_execution(False)
        on_gpu = self.device.startswith("GPU")
        self._batches = FittingBatches(
            run_of(self._tf, network),
            GPU_BATCH if on_gpu else CPU_BATCH,
            self._tf.errors.ResourceExhaustedError,
            self._on_the_cpu if on_gpu else None,
        )
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Of its parent, its method and the share that was kept."""
        return self._says.name

    @property
    def description(self) -> Mapping[str, str]:
        """Weights, how they are kept, input, colour, scale, normalisation."""
        return {
            "backbone": self.name,
            "sha256": self.weights.sha256,
            "layers": " ".join(self._says.layers),
            **WAY,
        }

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Backbone.embed`, and `VggFace.embed` for a card that has no memory left."""
        check_crops(crops, self.template.size)
        with self._lock:
            rows = self._batches.run(crops, self.dimension)
        return unit_rows(rows, len(crops), self.dimension)

    def _on_the_cpu(self) -> Run:
        self.device = message("CPU: {gpu} has no memory left for one face", gpu=self.device)
        with self._tf.device("/CPU:0"):
            return run_of(self._tf, open_network(self._toml, self._says)[0])


def features_of(convolutions: Sequence[Convolution], crops: NDArray[np.uint8]) -> Floats:
    """(n, 25088): what fc6 is given for (n, 224, 224, 3) uint8 RGB crops."""
    tf, _ = load_tensorflow()
    run = graph_of(tf, convolutions, ())
    parts = [run(crops[at : at + CPU_BATCH]) for at in range(0, len(crops), CPU_BATCH)]
    return np.concatenate(parts)


def run_of(tf: Any, network: CompressedNetwork) -> Run:  # noqa: ANN401 - TensorFlow has no types
    """(n, 224, 224, 3) uint8 RGB crops -> (n, 4096) float32, not normalised.

    Whole matrices and factors are part of TensorFlow's graph. Sparse ones and bytes are multiplied
    on the CPU after it: TensorFlow has nothing that is as fast there, and reading memory is what
    these layers cost.
    """
    if all(isinstance(layer, Affine | Factors) for layer in network.layers):
        dense = [part for layer in network.layers for part in _dense(tf, layer)]
        return graph_of(tf, network.convolutions, dense)
    features = graph_of(tf, network.convolutions, ())
    widths = [FEATURES, *map(outputs_of, network.layers)]
    steps = [running(layer, width) for layer, width in zip(network.layers, widths, strict=False)]

    def run(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        rows = features(crops)
        for step in steps:
            rows = step(rows)
        return rows

    return run


def _dense(tf: Any, layer: Layer) -> Sequence[Dense]:  # noqa: ANN401
    if isinstance(layer, Factors):
        right = Dense(tf.constant(layer.right), tf.constant(layer.bias))
        return Dense(tf.constant(layer.left), None), right
    assert isinstance(layer, Affine)  # noqa: S101
    return (Dense(tf.constant(layer.matrix), tf.constant(layer.bias)),)
