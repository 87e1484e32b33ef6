"""VGG-Face, made smaller by one of the literature's ways."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from models.compressed_file import CompressedNetwork
from models.compressed_layers import Layer, factored, in_bytes, sparse
from models.compression import (
    Affine,
    Floats,
    by_damage,
    by_magnitude,
    curvature,
    largest,
    merged,
    neurons_by_damage,
    neurons_by_magnitude,
    without_neurons,
)
from models.vgg_face import SHAPES

Tick = Callable[[float], None]
NEEDS_FACES = ("obd", "obd-neurons")  # a second derivative is one at some faces


def compress(
    weights: Sequence[Floats],
    method: str,
    keep: float,
    features: Floats | None = None,
    tick: Tick = lambda done: None,
) -> CompressedNetwork:
    """The network with smaller fc6 and fc7; its 4,096 outputs stay as many.

    Args:
        weights: as `models.vgg_face.read_weights` gives them.
        method: one of `METHODS`. Of `keep` is kept: each layer's weights (`magnitude`, `obd`),
            fc6's neurons (`magnitude-neurons`, `obd-neurons`, `merge`), each layer's numbers, as
            two factors (`low-rank`), all weights as bytes (`int8`, where keep is not looked at).
        features: (crops, 25088), what fc6 is given for some faces; for `NEEDS_FACES` alone.
        tick: told which share is done.
    """
    *before, matrix6, bias6, matrix7, bias7 = weights
    convolutions = list(zip(before[::2], before[1::2], strict=True))
    first = Affine(matrix6.reshape(-1, matrix6.shape[-1]), bias6)
    second = Affine(matrix7.reshape(-1, matrix7.shape[-1]), bias7)
    return CompressedNetwork(convolutions, _layers(first, second, method, keep, features, tick))


def _layers(
    first: Affine, second: Affine, method: str, keep: float, features: Floats | None, tick: Tick
) -> Sequence[Layer]:
    both = first, second
    if method == "merge":
        return merged(first, second, keep, tick)
    if method in ("int8", "low-rank"):
        return [in_bytes(one) if method == "int8" else factored(one, keep) for one in both]
    bends = curvature(first, second, features) if features is not None else None
    if method in NEEDS_FACES and bends is None:
        raise ValueError(f"{method} needs some faces")
    if method.endswith("-neurons"):
        saliency = (
            neurons_by_damage(second, bends[1]) if bends else neurons_by_magnitude(first, second)
        )
        return without_neurons(first, second, largest(saliency, keep))
    saliencies = (
        by_damage(one.matrix, bends[i]) if bends else by_magnitude(one.matrix)
        for i, one in enumerate(both)
    )
    return [sparse(one, largest(s, keep)) for one, s in zip(both, saliencies, strict=True)]


def expected_size(method: str, keep: float) -> int:
    """Bytes that the compressed network's numbers will have, nearly."""
    (fc6, _, fc7, _), before = SHAPES[-6:-2], SHAPES[:-6]
    inputs, neurons, outputs = math.prod(fc6[:3]), fc6[3], fc7[3]
    weights = neurons * (inputs + outputs)
    convolutions = 4 * sum(math.prod(shape) for shape in before)
    # A weight of a sparse layer has two bytes more, which say where it is.
    each = {"int8": 1.0, "magnitude": 6 * keep, "obd": 6 * keep}.get(method, 4 * keep)
    return convolutions + round(each * weights)


def look_untrained(weights: Sequence[Floats]) -> bool:
    """Whether these are no trained network's numbers: then every bias of a layer is the same."""
    return all(bool((bias == bias[0]).all()) for bias in weights[1::2])
