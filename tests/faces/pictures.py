"""Pictures with faces whose place is known, made of two portraits in the public domain."""

import numpy as np
import skimage.data
from PIL import Image

from pilah.app.samples import sample_photos
from pilah.images import load

FACE_HEIGHT = 115
"""Pixels from forehead to chin in `astronaut`, about."""


def hopper() -> np.ndarray:
    """Grace Hopper, uint8 (606, 512, 3); her nose is at (272, 150)."""
    return load(sample_photos()["Grace Hopper"])


def astronaut() -> np.ndarray:
    """Eileen Collins, uint8 (512, 512, 3); her nose is at (224, 115)."""
    image_rgb: np.ndarray = skimage.data.astronaut()
    return image_rgb


def crowd(size_hw: tuple[int, int], face: int, columns: int, rows: int) -> np.ndarray:
    """Eileen Collins `columns` times `rows` on grey, her face `face` pixels high."""
    height, width = size_hw
    picture = Image.new("RGB", (width, height), (120, 130, 140))
    scale = face / FACE_HEIGHT
    side = round(300 * scale)
    head = Image.fromarray(astronaut()[:300, 70:370]).resize((side, side))
    for row in range(rows):
        for column in range(columns):
            left = round((column + 0.5) * width / columns - side / 2)
            top = round((row + 0.5) * height / rows - side / 2)
            picture.paste(head, (left, top))
    return np.asarray(picture)
