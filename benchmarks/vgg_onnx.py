"""VGG-Face's weights as an ONNX model, so that other engines can be compared with ours."""

import itertools
from pathlib import Path

import h5py
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.vgg_face import FILE

_POOLED = (2, 4, 7, 10, 13)


def arrays(file: Path) -> list[np.ndarray]:
    """Kernel, bias, kernel, ... in the network's order."""
    with h5py.File(file) as opened:
        return [
            opened[layer][name][()]
            for layer in opened.attrs["layer_names"]
            for name in opened[layer].attrs["weight_names"]
        ]


def write_onnx(weights: Path) -> str:
    """Beside the weights, once: (n, 3, 224, 224) BGR 0..1 -> (n, 4096, 1, 1), not normalised."""
    path = weights / "vgg_face.onnx"
    if path.exists():
        return str(path)
    nodes, stored, last = [], [], "crops"
    found = arrays(weights / FILE)
    layers = zip(found[0::2], found[1::2], strict=True)
    for number, (kernel, bias) in enumerate(itertools.islice(layers, 15), 1):
        stored += [
            numpy_helper.from_array(
                np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)), f"w{number}"
            ),
            numpy_helper.from_array(bias, f"b{number}"),
        ]
        pads = [1, 1, 1, 1] if kernel.shape[0] == 3 else [0, 0, 0, 0]
        nodes += [
            helper.make_node("Conv", [last, f"w{number}", f"b{number}"], [f"c{number}"], pads=pads),
            helper.make_node("Relu", [f"c{number}"], [f"r{number}"]),
        ]
        last = f"r{number}"
        if number in _POOLED:
            nodes.append(
                helper.make_node(
                    "MaxPool", [last], [f"p{number}"], kernel_shape=[2, 2], strides=[2, 2]
                )
            )
            last = f"p{number}"
    nodes[-1].output[0] = "rows"
    graph = helper.make_graph(
        nodes,
        "vgg-face",
        [helper.make_tensor_value_info("crops", TensorProto.FLOAT, ["n", 3, 224, 224])],
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n", 4096, 1, 1])],
        stored,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return str(path)
