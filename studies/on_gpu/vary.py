"""Training faces varied as `pilah.training.augment` varies them, a batch at a time on the GPU."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

LUMA_STEPS = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""JPEG's own example of quantisation (ITU T.81, annex K)."""


def fit(x: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Bring pictures of shape (n, 3, h, w) to a size, as `pilah.faces.crop` does."""
    if x.shape[2:] == size_hw:
        return x
    return functional.interpolate(x, size_hw, mode="bicubic", antialias=True).clamp(0, 255)


def vary(x: Tensor, settings: dict[str, Any]) -> Tensor:
    """One random picture of each face.

    Args:
        x: faces in random order, uint8 (n, 3, h, w).
        settings: of the recipe's section `train`; `augment` says which changes there are.

    Returns:
        float32 of the same shape, 0 to 255.
    """
    kinds = settings["augment"]
    x = _placed(
        x.float(),
        zoom=settings["zoom"] if "zoom" in kinds else (1.0, 1.0),
        degrees=settings["roll_degrees"] if "roll" in kinds else 0.0,
        flip="flip" in kinds,
    )
    if "light" in kinds:
        x = _lit(x, settings["light_strength"])
    if "quality" in kinds:
        # The faces are in random order, so the first of the batch are any faces
        count = int(len(x) * settings["quality_share"] / 4)
        for i, spoil in enumerate((_blurred, _coarse, _compressed, _noisy)):
            part = slice(i * count, (i + 1) * count)
            x[part] = spoil(x[part])
    return _covered(x, settings["erase_share"]) if "erase" in kinds else x


def _between(low: float, high: float, x: Tensor) -> Tensor:
    """A number for each picture of `x`."""
    return torch.rand(len(x), 1, 1, 1, device=x.device) * (high - low) + low


def _normal(deviation: float, x: Tensor, channels: int = 1) -> Tensor:
    return torch.randn(len(x), channels, 1, 1, device=x.device) * deviation


def _placed(x: Tensor, zoom: tuple[float, float], degrees: float, flip: bool) -> Tensor:
    """Rolled, zoomed, stretched, shifted and mirrored; beyond the edge, the edge repeated."""
    n, _, height, width = x.shape
    rolled = _normal(degrees, x).clamp(-3 * degrees, 3 * degrees)
    angle = torch.where(_between(0, 1, x) < 0.5, rolled, 0.0)
    cosine, sine = (f(angle * math.pi / 180)[:, 0] for f in (torch.cos, torch.sin))
    scale = _between(*zoom, x)
    stretch = _between(-0.05, 0.05, x) if zoom[0] < zoom[1] else torch.zeros_like(scale)
    mirror = torch.where(_between(0, 1, x) < (0.5 if flip else 0), -1.0, 1.0)
    part_h, part_w = height * scale * (1 + stretch), width * scale * (1 - stretch)
    middle_x = (_between(0, 1, x) - 0.5) * (width - part_w)
    middle_y = (_between(0, 1, x) - 0.5) * (height - part_h)
    across = (torch.arange(width, device=x.device) + 0.5) / width - 0.5
    down = (torch.arange(height, device=x.device) + 0.5) / height - 0.5
    place_x = (middle_x + mirror * part_w * across)[:, 0]
    place_y = (middle_y + part_h * down[:, None])[:, 0]
    place_x, place_y = place_x.expand(n, height, width), place_y.expand(n, height, width)
    grid = torch.stack(
        [
            (cosine * place_x - sine * place_y) / (width / 2),
            (sine * place_x + cosine * place_y) / (height / 2),
        ],
        dim=-1,
    )
    placed = functional.grid_sample(
        x, grid, mode="bicubic", padding_mode="border", align_corners=False
    )
    return placed.clamp(0, 255)


def _lit(x: Tensor, strength: float) -> Tensor:
    """Gamma, contrast, brightness, night and cast of the light; now and then no colour."""
    level = (x / 255).clamp(1e-4, 1).pow(_normal(0.25 * strength, x).exp())
    contrast = _between(1 - 0.3 * strength, 1 + 0.25 * strength, x)
    level = (level - 0.5) * contrast + 0.5 + _normal(0.06 * strength, x)
    level = level * torch.where(_between(0, 1, x) < 0.1 * strength, _between(0.2, 0.6, x), 1.0)
    level = (level * (1 + _normal(0.06 * strength, x, channels=3))).clamp(0, 1)
    grey = (level * level.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    return torch.where(_between(0, 1, x) < 0.1 * strength, grey, level) * 255


def _blurred(x: Tensor) -> Tensor:
    n, channels, height, width = x.shape
    reach = 9
    steps = torch.arange(-reach, reach + 1, device=x.device)
    sigma = height / 100 * _between(0.3, 1.5, x)
    kernel = torch.exp(-(steps**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum(dim=3, keepdim=True)).repeat_interleave(channels, 0)
    rows = x.reshape(1, n * channels, height, width)
    rows = functional.pad(rows, (reach,) * 4, mode="replicate")
    rows = functional.conv2d(rows, kernel, groups=n * channels)
    return functional.conv2d(rows, kernel.transpose(2, 3), groups=n * channels).reshape(x.shape)


def _coarse(x: Tensor) -> Tensor:
    """As small faces that were enlarged."""
    height, width = x.shape[2:]
    parts = []
    for part in x.chunk(4):
        share = float(torch.rand(())) * 0.45 + 0.25
        small = fit(part, (round(height * share), round(width * share)))
        parts.append(fit(small, (height, width)))
    return torch.cat(parts)


def _compressed(x: Tensor) -> Tensor:
    """What JPEG loses at qualities from 15 to 70, colour at half the size."""
    quality = torch.randint(15, 70, (len(x), 1, 1, 1, 1, 1), device=x.device)
    coarseness = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality) / 100
    to_luma = x.new_tensor(
        [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
    )
    height, width = x.shape[2:]
    planes = torch.einsum("ij,njhw->nihw", to_luma, x)
    planes = functional.pad(planes, (0, -width % 16, 0, -height % 16), mode="replicate")
    steps = x.new_tensor(LUMA_STEPS)
    luma = _quantised(planes[:, :1] - 128, coarseness * steps) + 128
    half = functional.avg_pool2d(planes[:, 1:], 2)
    colour = _quantised(half, coarseness * steps.clamp(max=99) * 1.3)
    colour = functional.interpolate(colour, scale_factor=2, mode="bilinear")
    planes = torch.cat([luma, colour], dim=1)[:, :, :height, :width]
    return torch.einsum("ij,njhw->nihw", to_luma.inverse(), planes).clamp(0, 255)


def _quantised(plane: Tensor, steps: Tensor) -> Tensor:
    """The blocks of 8 by 8 of (n, c, h, w), their cosine transforms in whole steps."""
    n, channels, height, width = plane.shape
    order = torch.arange(8, device=plane.device)
    cosines = torch.cos((2 * order + 1) * order[:, None] * math.pi / 16) / 2
    cosines[0] /= math.sqrt(2)
    blocks = plane.reshape(n, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    steps = steps.clamp(min=1)
    rounded = (cosines @ blocks @ cosines.T / steps).round() * steps
    return (cosines.T @ rounded @ cosines).transpose(3, 4).reshape(plane.shape)


def _noisy(x: Tensor) -> Tensor:
    return (x + torch.randn_like(x) * _between(3, 15, x)).clamp(0, 255)


def _covered(x: Tensor, share: float) -> Tensor:
    height, width = x.shape[2:]
    h, w = _between(0.15, 0.45, x) * height, _between(0.15, 0.45, x) * width
    top, left = _between(0, 1, x) * (height - h), _between(0, 1, x) * (width - w)
    down = torch.arange(height, device=x.device)[:, None]
    across = torch.arange(width, device=x.device)
    inside = (down >= top) & (down < top + h) & (across >= left) & (across < left + w)
    colour = torch.rand(len(x), 3, 1, 1, device=x.device) * 255
    return torch.where(inside & (_between(0, 1, x) < share), colour, x)
