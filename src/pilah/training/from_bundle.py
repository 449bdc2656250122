"""The weights of a model bundle, back in a Keras backbone: so that training can go on from it.

A bundle holds each convolution with the batch normalisation behind it folded in: kernel k / s and
bias b - m / s, for moving mean m, moving deviation s and shift b. What was m and what was b is
lost, and does not matter to what the network answers; but batch normalisation in training needs
m near the mean of its input. So m is measured again, on faces, and b follows from it.
"""

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from onnx import numpy_helper

from pilah.errors import WeightsError

Array = np.ndarray[Any, Any]


def load_bundle(backbone: keras.Model, path: Path) -> None:
    """Set a backbone's weights from a bundle of the same backbone, or of one of which it is a part.

    Args:
        backbone: layers of convolution, each followed by a batch normalisation without scale, as
            InceptionV3 has them; takes what the bundle's backbone takes.
        path: a `model.onnx` that `pilah export` wrote, int8 or float.

    Raises:
        WeightsError: the bundle cannot be read, or is that of another network.
    """
    pairs = _pairs(backbone)
    folded = _folded_convolutions(path)[: len(pairs)]
    shapes = [kernel.shape for kernel, _ in folded]
    if not pairs or shapes != [tuple(convolution.kernel.shape) for convolution, _ in pairs]:
        raise WeightsError(
            f"{path} does not hold the convolutions of {backbone.name}; name a bundle of that "
            "backbone whose convolutions are followed by batch normalisation (inception_v3)"
        )
    for (convolution, normalisation), (kernel, bias) in zip(pairs, folded, strict=True):
        zeros = np.zeros_like(bias)
        convolution.set_weights([kernel])
        normalisation.set_weights([bias, zeros, zeros + 1 - normalisation.epsilon])


def recentre(model: keras.Model, faces: Array) -> None:
    """Measure the moving means again; what the network answers stays the same.

    Args:
        model: one whose backbone is as `load_bundle` left it.
        faces: a few hundred faces as the model takes them, shape (n, height, width, 3).
    """
    pairs = _pairs(model)
    means = [keras.ops.mean(convolution.output, axis=(1, 2)) for convolution, _ in pairs]
    measured = keras.Model(model.input, means).predict(faces, batch_size=32, verbose=0)
    for (_, normalisation), values in zip(pairs, measured, strict=True):
        shift, _, variance = normalisation.get_weights()
        mean = values.mean(axis=0)
        normalisation.set_weights([shift + mean, mean, variance])


def _pairs(backbone: keras.Model) -> list[tuple[Any, Any]]:
    """Each convolution and the batch normalisation behind it, in the order they were made."""
    convolutions = [layer for layer in backbone.layers if isinstance(layer, keras.layers.Conv2D)]
    found = []
    for convolution in sorted(convolutions, key=lambda layer: _place(layer.name)):
        nodes = [node.operation for node in convolution._outbound_nodes]
        behind = [each for each in nodes if isinstance(each, keras.layers.BatchNormalization)]
        if len(behind) != 1 or behind[0].scale:
            return []
        found.append((convolution, behind[0]))
    return found


def _folded_convolutions(path: Path) -> list[tuple[Array, Array]]:
    """Kernels (height, width, in, out) and biases of a bundle, in the order they were made."""
    try:
        graph = onnx.load(path).graph
    except Exception as error:  # onnx raises protobuf's own kinds
        raise WeightsError(
            f"{path} cannot be read as ONNX ({type(error).__name__}); give a model.onnx that "
            "`pilah export` wrote"
        ) from None
    stored: dict[str, Array] = {
        array.name: numpy_helper.to_array(array) for array in graph.initializer
    }
    scaled = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}

    def value(name: str) -> Array:
        if name in stored:
            return stored[name]
        node = scaled[name]
        whole, scale, zero = (stored[part] for part in node.input)
        shape = (-1,) + (1,) * (whole.ndim - 1)
        real: Array = (whole.astype(np.float32) - zero.reshape(shape)) * scale.reshape(shape)
        return real

    found = []
    for node in graph.node:
        if node.op_type == "Conv":
            kernel, bias = value(node.input[1]), value(node.input[2])
            found.append((_place(node.input[1]), kernel.transpose(2, 3, 1, 0), bias))
    return [(kernel, bias) for _, kernel, bias in sorted(found, key=lambda each: each[0])]


def _place(name: str) -> tuple[int, ...]:
    """Of `conv2d`, `conv2d_7`, or a longer name that holds it; they count up as layers are made.

    Export appends another number to all of them, so `conv2d_1` may be the first or the second; as
    tuples they sort rightly either way.
    """
    match = re.search(r"conv2d((?:_\d+)*)", name)
    return tuple(int(number) for number in match[1].split("_")[1:]) if match else ()
