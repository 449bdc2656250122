"""What is written of a face with `--faces`?"""

from PIL import Image

from pilah.images import load
from pilah.types import Box

MARGIN = 0.5
"""Of the box's longer side, added on each side: hair and chin are in the picture."""


def write_crop(source: str, box: Box, path: str) -> None:
    """Write a face and its surroundings, as far as the photo reaches, as JPEG.

    Raises:
        ImageError: the photo cannot be read.
        OSError: the crop cannot be written.
    """
    image_rgb = load(source)
    height, width = image_rgb.shape[:2]
    margin = MARGIN * max(box.width, box.height)
    left, top = max(0, round(box.left - margin)), max(0, round(box.top - margin))
    right, bottom = min(width, round(box.right + margin)), min(height, round(box.bottom + margin))
    crop_rgb = image_rgb[top : max(bottom, top + 1), left : max(right, left + 1)]
    Image.fromarray(crop_rgb).save(path, "JPEG", quality=95)
