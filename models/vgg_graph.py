"""VGG-16 up to ReLU(fc7), or to what fc6 is given, as a TensorFlow graph of a frozen network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.fitting_batches import Run

_POOLED = (2, 4, 7, 10, 13)  # convolutions with a pooling after them
_SIZE = 224  # px

Convolution = tuple[NDArray[np.float32], NDArray[np.float32]]  # kernel, bias


@dataclass(frozen=True)
class Dense:
    """x @ matrix + bias, then ReLU. What TensorFlow takes for a matrix; no bias: and no ReLU."""

    matrix: Any
    bias: Any | None


def layers_of(network: Any) -> tuple[list[Convolution], list[Dense]]:  # noqa: ANN401
    """deepface's network up to fc7, frozen: 13 convolutions, and fc6 and fc7 as variables."""
    *kernels, fc6, fc7 = [v for v in network.weights if len(v.shape) == 4]
    *biases, bias6, bias7 = [v for v in network.weights if len(v.shape) == 1]
    convolutions = [(k.numpy(), b.numpy()) for k, b in zip(kernels, biases, strict=True)]
    return convolutions, [Dense(fc6, bias6), Dense(fc7, bias7)]


def graph_of(tf: Any, convolutions: Sequence[Convolution], layers: Sequence[Dense]) -> Run:  # noqa: ANN401
    """A function of (n, 224, 224, 3) uint8 RGB crops: (n, outputs) float32, not normalised.

    The convolutions' weights (59 MB) are constants of the graph: then oneDNN lays them out for the
    processor once instead of at each call, and padding, bias and ReLU become part of the
    convolution. As constants fc6 and fc7 (478 MB) would make opening take minutes and 12 GB, and
    gain nothing: reading them once is all there is to them.

    Args:
        convolutions: kernel and bias of each.
        layers: what follows; none: (n, 25088), what fc6 is given.
    """

    def forward(crops: Any) -> Any:  # noqa: ANN401
        # deepface's "base" normalisation: BGR, 0..1
        x = tf.cast(tf.reverse(crops, [3]), tf.float32) / 255.0
        for number, (kernel, bias) in enumerate(convolutions, 1):
            x = tf.nn.conv2d(x, tf.constant(kernel), 1, "SAME")
            x = tf.nn.relu(tf.nn.bias_add(x, tf.constant(bias)))
            if number in _POOLED:
                x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        x = tf.reshape(x, [-1, int(np.prod(x.shape[1:]))])
        for layer in layers:
            rows, columns = int(np.prod(layer.matrix.shape[:-1])), layer.matrix.shape[-1]
            x = tf.matmul(x, tf.reshape(layer.matrix, [rows, columns]))
            if layer.bias is not None:
                x = tf.nn.relu(tf.nn.bias_add(x, layer.bias))
        return x

    # One trace for every batch size.
    traced = tf.function(
        forward,
        input_signature=[tf.TensorSpec((None, _SIZE, _SIZE, 3), tf.uint8)],
        autograph=False,
    )

    def run(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        rows: NDArray[np.float32] = traced(tf.constant(crops)).numpy()
        return rows

    return run
