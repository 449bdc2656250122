"""How a training face is varied, as faces vary in the world: place, light, quality, what covers it.

Every draw comes from the generator that is passed in, so the same seed, epoch and image give the
same picture, in whatever order and however often training is interrupted.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pilah.faces.crop import resize_box
from pilah.runs.recipe import TrainRecipe
from pilah.types import Box

Pixels = NDArray[np.uint8]
Random = np.random.Generator


def vary(image: Pixels, random: Random, settings: TrainRecipe, size_hw: tuple[int, int]) -> Pixels:
    """One random picture of a face.

    Args:
        image: uint8 (h, w, 3).
        random: what is drawn from.
        settings: which changes (`augment`), and how strong each is; where the zoom is above 1 the
            edge is repeated.
        size_hw: height and width to return.
    """
    kinds = settings.augment
    if "roll" in kinds and random.random() < 0.5:
        image = _roll(image, random, settings.roll_degrees)
    image = _zoom(image, random, settings.zoom if "zoom" in kinds else (1.0, 1.0), size_hw)
    if "light" in kinds:
        image = _light(image, random, settings.light_strength)
    if "quality" in kinds and random.random() < settings.quality_share:
        image = random.choice(np.array([_blur, _coarsen, _compress, _noise]))(image, random)
    if "erase" in kinds and random.random() < settings.erase_share:
        image = _erase(image, random)
    return image


def _roll(image: Pixels, random: Random, degrees: float) -> Pixels:
    """A head held to one side: up to three standard deviations."""
    angle = float(np.clip(random.normal(0, degrees), -3 * degrees, 3 * degrees))
    backdrop = tuple(int(value) for value in image.mean(axis=(0, 1)))
    rolled = Image.fromarray(image).rotate(
        angle, resample=Image.Resampling.BILINEAR, fillcolor=backdrop
    )
    return np.asarray(rolled)


def _zoom(
    image: Pixels, random: Random, zoom: tuple[float, float], size_hw: tuple[int, int]
) -> Pixels:
    """Another part of the image, its proportions changed a little too where it is not all of it."""
    height, width = image.shape[:2]
    scale = random.uniform(*zoom)
    stretch = random.uniform(-0.05, 0.05) if zoom[0] < zoom[1] else 0.0
    part_h, part_w = height * scale * (1 + stretch), width * scale * (1 - stretch)
    left = random.uniform(min(0, width - part_w), max(0, width - part_w))
    top = random.uniform(min(0, height - part_h), max(0, height - part_h))
    return resize_box(Image.fromarray(image), Box(left, top, left + part_w, top + part_h), size_hw)


def _light(image: Pixels, random: Random, strength: float) -> Pixels:
    """Brightness, contrast, gamma and cast of the light; now and then no colour at all."""
    level = np.linspace(0, 1, 256)[:, None] ** np.exp(random.normal(0, 0.25 * strength))
    contrast = random.uniform(1 - 0.3 * strength, 1 + 0.25 * strength)
    level = (level - 0.5) * contrast + 0.5 + random.normal(0, 0.06 * strength)
    if random.random() < 0.1 * strength:  # at night, or against the light
        level *= random.uniform(0.2, 0.6)
    level = level * (1 + random.normal(0, 0.06 * strength, size=3))
    table = np.clip(level * 255, 0, 255).astype(np.uint8)
    lit = np.stack([table[image[..., c], c] for c in range(3)], axis=-1)
    if random.random() < 0.1 * strength:
        lit = np.asarray(Image.fromarray(lit).convert("L").convert("RGB"))
    return lit


def _blur(image: Pixels, random: Random) -> Pixels:
    radius = image.shape[0] / 100 * random.uniform(0.3, 1.5)
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))


def _coarsen(image: Pixels, random: Random) -> Pixels:
    """As a small face that was enlarged."""
    height, width = image.shape[:2]
    share = random.uniform(0.25, 0.7)
    small = Image.fromarray(image).resize((round(width * share), round(height * share)))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def _compress(image: Pixels, random: Random) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=int(random.integers(15, 70)))
    return np.asarray(Image.open(buffer))


def _noise(image: Pixels, random: Random) -> Pixels:
    grain = random.normal(0, random.uniform(3, 15), size=image.shape)
    return np.clip(image + grain, 0, 255).astype(np.uint8)


def _erase(image: Pixels, random: Random) -> Pixels:
    """Something in front of the face (random erasing, Zhong et al. 2020)."""
    height, width = image.shape[:2]
    h, w = (int(side * random.uniform(0.15, 0.45)) for side in (height, width))
    top, left = random.integers(0, height - h), random.integers(0, width - w)
    covered = image.copy()
    covered[top : top + h, left : left + w] = random.integers(0, 256, size=3)
    return covered
