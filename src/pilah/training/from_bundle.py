"""The weights of a model bundle, back in a Keras backbone, so that training can start from it.

A bundle holds each convolution with the batch normalisation behind it folded in: kernel k g / s and
bias b - m g / s, for moving mean m, moving deviation s, scale g and shift b. What was what is lost,
and does not matter to what the network answers; but batch normalisation in training needs m and s
near the mean and the deviation of its input. So these are measured again, on faces, and g and b
follow from them.
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
    """Set a backbone's weights from a bundle of the same backbone.

    Args:
        backbone: layers of convolution, depthwise ones too, each followed by a batch normalisation,
            as InceptionV3 and EfficientNet-Lite0 have them.
        path: a `model.onnx` that `pilah export` wrote, int8 or float.

    Raises:
        WeightsError: the bundle cannot be read, or is that of another network.
    """
    pairs = _pairs(backbone)
    folded = _folded_convolutions(path)
    shapes = [kernel.shape for kernel, _ in folded]
    if not pairs or shapes != [tuple(convolution.kernel.shape) for convolution, _ in pairs]:
        raise WeightsError(
            f"{path} does not hold the convolutions of {backbone.name}; name a bundle of that "
            "backbone whose convolutions are followed by batch normalisation (inception_v3, "
            "efficientnet_lite0)"
        )
    for (convolution, normalisation), (kernel, bias) in zip(pairs, folded, strict=True):
        zeros = np.zeros(kernel.shape[2] if _is_depthwise(convolution) else kernel.shape[3])
        convolution.set_weights([kernel])
        scale = [zeros + 1] if normalisation.scale else []
        shift = zeros if bias is None else bias
        normalisation.set_weights([*scale, shift, zeros, zeros + 1 - normalisation.epsilon])


def recentre(model: keras.Model, faces: Array) -> None:
    """Measure the moving statistics again; what the network answers stays the same.

    Where batch normalisation has no scale, the folded kernel's outputs have a deviation of 1 by
    themselves, and only the mean is measured.

    Args:
        model: one whose backbone is as `load_bundle` left it.
        faces: a few hundred faces as the model takes them, shape (n, height, width, 3).
    """
    pairs = _pairs(model)
    moments = [
        keras.ops.stack(
            [keras.ops.mean(convolution.output**power, axis=(1, 2)) for power in (1, 2)], axis=1
        )
        for convolution, _ in pairs
    ]
    measured = keras.Model(model.input, moments).predict(faces, batch_size=32, verbose=0)
    for (_, normalisation), values in zip(pairs, measured, strict=True):
        *_, shift, _, variance = normalisation.get_weights()
        mean, square = values.mean(axis=0)
        scale = []
        if normalisation.scale:
            variance = np.maximum(square - mean**2, 0)
            scale = [np.sqrt(variance + normalisation.epsilon)]
        normalisation.set_weights([*scale, shift + mean, mean, variance])


def _pairs(backbone: keras.Model) -> list[tuple[Any, Any]]:
    """Each convolution and the batch normalisation behind it, in the order they were made."""
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    convolutions = [layer for layer in backbone.layers if isinstance(layer, kinds)]
    found = []
    for convolution in sorted(convolutions, key=lambda layer: _place(layer.name)):
        nodes = [node.operation for node in convolution._outbound_nodes]
        behind = [each for each in nodes if isinstance(each, keras.layers.BatchNormalization)]
        if len(behind) != 1:
            return []
        found.append((convolution, behind[0]))
    return found


def _is_depthwise(convolution: Any) -> bool:
    return isinstance(convolution, keras.layers.DepthwiseConv2D)


def _folded_convolutions(path: Path) -> list[tuple[Array, Array | None]]:
    """Kernels as Keras has them and biases of a bundle, in the order they were made."""
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
            kernel, *bias = map(value, node.input[1:])
            groups = next((each.i for each in node.attribute if each.name == "group"), 1)
            # Height, width, in, out; of a depthwise kernel the one output a channel comes last
            kernel = kernel.transpose((2, 3, 0, 1) if groups > 1 else (2, 3, 1, 0))
            found.append((_place(node.input[1]), kernel, bias[0] if bias else None))
    return [(kernel, bias) for _, kernel, bias in sorted(found, key=lambda each: each[0])]


def _place(name: str) -> tuple[int, ...]:
    """Of `conv2d`, `conv2d_7`, or a longer name that holds it; they count up as layers are made.

    Other names have no place: layers that have their own lie one behind the other already.
    Export appends another number to all of them, so `conv2d_1` may be the first or the second; as
    tuples they sort rightly either way.
    """
    match = re.search(r"conv2d((?:_\d+)*)", name)
    return tuple(int(number) for number in match[1].split("_")[1:]) if match else ()
