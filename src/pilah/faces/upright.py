"""Rotated photos: their pixels turned upright, and boxes taken back to the photo as it came."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pilah.types import Box

TURNS = {
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
"""What rotates a Pillow image by so many degrees clockwise; Pillow counts the other way round."""


def rotated(image_rgb: NDArray[np.uint8], rotation: int) -> NDArray[np.uint8]:
    """The image rotated clockwise by `rotation`: 0, 90, 180 or 270 degrees."""
    return np.rot90(image_rgb, -rotation // 90)


def box_before(box: Box, rotation: int, size_hw: tuple[int, int]) -> Box:
    """Where a box of the rotated image lies in the image before it was rotated.

    Args:
        box: in pixels of the image after `rotated(image, rotation)`.
        rotation: 0, 90, 180 or 270 degrees clockwise.
        size_hw: height and width of the image before.
    """
    height, width = size_hw
    match rotation:
        case 90:
            return Box(box.top, height - box.right, box.bottom, height - box.left)
        case 180:
            return Box(width - box.right, height - box.bottom, width - box.left, height - box.top)
        case 270:
            return Box(width - box.bottom, box.left, width - box.top, box.right)
        case _:
            return box
