"""A Keras network that carry.py packed, in PyTorch; its weights leave as Keras has them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

# Keras' axes as PyTorch wants them, kind by kind and weight by weight; None: as they are.
AXES: dict[str, tuple[tuple[int, ...] | None, ...]] = {
    "Conv2D": ((3, 2, 0, 1), None),
    "DepthwiseConv2D": ((2, 3, 0, 1), None),
    "SeparableConv2D": ((2, 3, 0, 1), (3, 2, 0, 1)),
    "BatchNormalization": (None, None, None, None),
    "Dense": ((1, 0), None),
}


class Network(nn.Module):
    """Faces of 0 to 255, shape (n, 3, height, width), to logits (n, 2) and features (n, c)."""

    def __init__(self, path: Path) -> None:
        """Read NAME.npz."""
        super().__init__()
        file = np.load(path)
        description = json.loads(str(file["description"]))
        self.settings, self.operations = description["settings"], description["operations"]
        self.size_hw = tuple(description["size_hw"])
        self.arrays = nn.ParameterDict()
        self.last_use: dict[str, str] = {}
        for name, kind, given, settings in self.operations:
            for i, axes in enumerate(AXES.get(kind, ())):
                if f"{name}/{i}" in file:
                    array = torch.from_numpy(file[f"{name}/{i}"].astype(np.float32))
                    array = array if axes is None else array.permute(axes)
                    # The last two of a batch normalisation are its averages, which are not learned
                    learned = kind != "BatchNormalization" or i < 1 + settings["scale"]
                    self.arrays[f"{name}/{i}"] = nn.Parameter(array.contiguous(), learned)
            self.last_use |= dict.fromkeys(given, name)

    @property
    def width(self) -> int:
        """How many features the head sees."""
        return int(self.arrays["probabilities/0"].shape[1])

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """One after another; a tensor that nobody needs any more is let go."""
        seen = {"image": image}
        features = image
        for name, kind, given, settings in self.operations:
            inputs = [seen[source] for source in given]
            for source in given:
                if self.last_use[source] == name:
                    seen.pop(source, None)
            if kind == "Dropout":
                features = inputs[0]
            seen[name] = self._computed(name, kind, inputs, settings)
        return seen[name], features

    def _computed(self, name: str, kind: str, given: list[Tensor], settings: dict[str, Any]) -> Any:
        x = given[0]
        first = self.arrays.get(f"{name}/0", x)
        match kind:
            case "Rescaling":
                return x / 127.5 - 1
            case "Conv2D":
                return _convolved(x, first, settings, groups=1)
            case "DepthwiseConv2D":
                return _convolved(x, first, settings, groups=x.shape[1])
            case "SeparableConv2D":
                x = _convolved(x, first, settings, groups=x.shape[1])
                return functional.conv2d(x, self.arrays[f"{name}/1"])
            case "BatchNormalization":
                return self._normed(name, x, settings)
            case "Activation" | "ReLU":
                return x.relu() if settings.get("max_value") is None else functional.relu6(x)
            case "Add":
                return given[0] + given[1]
            case "Concatenate":
                return torch.cat(given, dim=1)
            case "MaxPooling2D":
                return functional.max_pool2d(
                    _padded(x, settings["pool_size"], settings, float("-inf")),
                    settings["pool_size"],
                    settings["strides"],
                )
            case "AveragePooling2D":  # 3 by 3 and stride 1 in these networks
                return functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
            case "GlobalAveragePooling2D":
                return x.float().mean(dim=(2, 3))
            case "Dropout":
                return functional.dropout(x, settings["rate"], self.training)
            case _:
                return functional.linear(x.float(), first, self.arrays[f"{name}/1"])

    def _normed(self, name: str, x: Tensor, settings: dict[str, Any]) -> Tensor:
        *scale, shift, mean, variance = (
            self.arrays[f"{name}/{i}"] for i in range(3 + settings["scale"])
        )
        ones = torch.ones_like(mean)  # no scale at all breaks PyTorch's own derivative
        return functional.batch_norm(
            x,
            mean.data,
            variance.data,
            scale[0] if scale else ones,
            shift,
            self.training,
            1 - settings["momentum"],  # PyTorch counts the other way round
            settings["epsilon"],
        )

    def as_keras(self) -> dict[str, np.ndarray[Any, Any]]:
        """The arrays by their names in NAME.npz, with Keras' axes."""
        kinds = {name: kind for name, kind, _, _ in self.operations}
        found = {}
        for key, array in self.arrays.items():
            name, i = key.rsplit("/", 1)
            axes = AXES[kinds[name]][int(i)]
            plain = array.detach().float().cpu().numpy()
            found[key] = plain if axes is None else plain.transpose(np.argsort(axes))
        return found


def _convolved(x: Tensor, kernel: Tensor, settings: dict[str, Any], groups: int) -> Tensor:
    x = _padded(x, settings["kernel_size"], settings, 0.0)
    return functional.conv2d(x, kernel, stride=settings["strides"], groups=groups)


def _padded(x: Tensor, size: list[int], settings: dict[str, Any], value: float) -> Tensor:
    """As TensorFlow pads for `same`: where the sum is odd, the far side gets one more."""
    if settings["padding"] != "same":
        return x
    pads = []
    for side, kernel, stride in zip(x.shape[:1:-1], size[::-1], settings["strides"], strict=True):
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        pads += [total // 2, total - total // 2]
    return functional.pad(x, pads, value=value)
