"""What is written of a face with `--faces`?"""

from PIL import Image

from pilah.images import read
from pilah.types import Box

MARGIN = 0.5
"""Of the box's longer side, added on each side: hair and chin are in the picture."""


def write_crop(source: str, box: Box, path: str) -> None:
    """Write a face and its surroundings, as far as the photo reaches, as JPEG in sRGB.

    Raises:
        ImageError: the photo cannot be read.
        OSError: the crop cannot be written.
    """
    pixels = read(source)
    image_rgb = pixels.image_rgb
    height, width = image_rgb.shape[:2]
    scale = height / pixels.size_hw[0]  # below 1 where a photo is too large to be read whole
    margin = MARGIN * max(box.width, box.height)
    left, top = (max(0, round(scale * (edge - margin))) for edge in (box.left, box.top))
    right = min(width, round(scale * (box.right + margin)))
    bottom = min(height, round(scale * (box.bottom + margin)))
    crop_rgb = image_rgb[top : max(bottom, top + 1), left : max(right, left + 1)]
    Image.fromarray(crop_rgb).save(path, "JPEG", quality=95)
