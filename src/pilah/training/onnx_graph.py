"""A trained Keras model as an ONNX graph, and what is done to that graph: int8, calibration.

The graph takes uint8 RGB (N, height, width, 3) as `image` and gives float32 (N, 2) as
`probabilities`.
"""

import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from pilah.runtime import quantization

SMALLEST = np.float32(1e-7)
"""A probability of 0 has no logarithm."""


def write_float(model: keras.Model, path: Path) -> None:
    """Write the float32 graph of a model that takes RGB values of 0 to 255.

    Batch normalisations are folded into the convolutions before them.
    """
    image = keras.Input(model.input_shape[1:], dtype="uint8", name="image")
    whole = keras.Model(image, model(keras.ops.cast(image, "float32")))
    whole(np.zeros((1, *model.input_shape[1:]), np.uint8))  # tf2onnx needs one call beforehand
    with warnings.catch_warnings():  # of Keras' own code
        warnings.simplefilter("ignore", FutureWarning)
        whole.export(path, format="onnx", verbose=False)
    graph = onnx.load(path)
    _rename(graph.graph, graph.graph.input[0].name, "image")
    _rename(graph.graph, graph.graph.output[0].name, "probabilities")
    onnx.save(graph, path)
    quantization().quant_pre_process(path, path, skip_symbolic_shape=True)


def write_int8(
    source: Path, path: Path, crops: np.ndarray[Any, Any], *, float_convolutions: int = 0
) -> None:
    """Write an int8 version: weights a scale per channel, activations ranged on real faces.

    Args:
        source: the float graph.
        path: where the int8 graph goes.
        crops: uint8 faces of shape (n, height, width, 3) that show the activations' ranges.
        float_convolutions: how many of the first convolutions stay in float.
    """
    convolutions = [node.name for node in onnx.load(source).graph.node if node.op_type == "Conv"]
    ort = quantization()
    ort.quantize_static(
        source,
        path,
        _Reader(crops),
        quant_format=ort.QuantFormat.QDQ,
        per_channel=True,
        # Weights of 7 bits: processors without VNNI add two products in 16 bits, where those of 8
        # bits can overflow, and the same file would answer differently
        reduce_range=True,
        activation_type=ort.QuantType.QUInt8,
        weight_type=ort.QuantType.QInt8,
        nodes_to_exclude=convolutions[:float_convolutions],
        # The last layer stays in float: its logits would have steps, and so would confidences
        op_types_to_quantize=["Conv", "Add", "Concat", "AveragePool", "MaxPool"],
        # A range averaged over batches: the outermost value of one face would coarsen all others
        extra_options={"CalibMovingAverage": True},
    )


class _Reader(quantization().CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, crops: np.ndarray[Any, Any]) -> None:
        self.parts = iter(np.array_split(crops, -(-len(crops) // 16)))

    def get_next(self) -> dict[str, Any] | None:
        part = next(self.parts, None)
        return None if part is None else {"image": part}


def add_temperature(path: Path, temperature: float) -> None:
    """Divide the logits by a temperature, inside the graph.

    The softmax of the probabilities' logarithms is those probabilities again, so this works on any
    classifier's output: softmax(log(p) / t).
    """
    model = onnx.load(path)
    graph = model.graph
    _rename(graph, "probabilities", "uncalibrated")
    constants = {"smallest": SMALLEST, "temperature": np.float32(temperature)}
    for name, value in constants.items():
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    graph.node.extend(
        [
            helper.make_node("Max", ["uncalibrated", "smallest"], ["positive"]),
            helper.make_node("Log", ["positive"], ["log"]),
            helper.make_node("Div", ["log", "temperature"], ["scaled"]),
            helper.make_node("Softmax", ["scaled"], ["probabilities"], axis=-1),
        ]
    )
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 2]))
    onnx.checker.check_model(model)
    onnx.save(model, path)


def add_description(path: Path, key: str, text: str) -> None:
    """Store a text in the graph's metadata."""
    model = onnx.load(path)
    helper.set_model_props(model, {key: text})
    model.doc_string = ""
    onnx.save(model, path)


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    for value in [*graph.input, *graph.output]:
        if value.name == old:
            value.name = new
