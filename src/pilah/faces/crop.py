"""Cut a face out of a photo: the crop that the model was trained on, kept inside the photo."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pilah.types import Box, Frame

TILTED = 10.0
"""Degrees from which a face is rotated back. Below, resampling costs more than it gives."""


def crop_face(
    image: Image.Image,
    box: Box,
    tilt: float,
    frame: Frame,
    size_hw: tuple[int, int],
) -> tuple[NDArray[np.uint8], float]:
    """Cut one face out of a photo.

    A tilted face is rotated back if the rotated crop lies in the photo. In a tight picture it would
    not, and the corners that are missing cost more than the tilt does.

    Args:
        image: the photo, in mode RGB.
        box: the detector's box of the face, in pixels of `image`.
        tilt: degrees, clockwise, by which the face is tilted.
        frame: where the crop lies around the box.
        size_hw: height and width of the crop to return.

    Returns:
        The crop, uint8 (*size_hw, 3), and the tilt that was taken out of it.
    """
    if abs(tilt) >= TILTED:
        rotated = _about(crop_box(box, frame, size_hw), box, tilt)
        around = _around(rotated, tilt)
        width, height = image.size
        if min(around.left, around.top, width - around.right, height - around.bottom) >= 0:
            return _resize_rotated(image, rotated, around, tilt, size_hw), tilt
    kept = inside(crop_box(box, frame, size_hw), (image.height, image.width))
    return resize_box(image, kept, size_hw), 0.0


def crop_box(box: Box, frame: Frame, size_hw: tuple[int, int]) -> Box:
    """Where the crop of a face lies, with the proportions of `size_hw`."""
    height = frame.height * box.height
    width = height * size_hw[1] / size_hw[0]
    centre_x = (box.left + box.right) / 2 + frame.shift_x * box.height
    centre_y = (box.top + box.bottom) / 2 + frame.shift_y * box.height
    return Box(
        centre_x - width / 2, centre_y - height / 2, centre_x + width / 2, centre_y + height / 2
    )


def inside(box: Box, image_hw: tuple[int, int]) -> Box:
    """The box moved into an image of that size; one that is too large is made smaller first.

    Its proportions stay. What lies outside the photo can show the model nothing.
    """
    height, width = image_hw
    scale = min(1.0, height / box.height, width / box.width)
    half_h, half_w = scale * box.height / 2, scale * box.width / 2
    centre_x = min(max((box.left + box.right) / 2, half_w), width - half_w)
    centre_y = min(max((box.top + box.bottom) / 2, half_h), height - half_h)
    return Box(centre_x - half_w, centre_y - half_h, centre_x + half_w, centre_y + half_h)


def centre_crop(image: Image.Image, size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Bring a ready face crop to the model's size: its largest centred part of those proportions.

    Args:
        image: the crop, in mode RGB.
        size_hw: height and width to return.

    Returns:
        uint8 (*size_hw, 3).
    """
    width, height = image.size
    scale = min(height / size_hw[0], width / size_hw[1])
    half_h, half_w = scale * size_hw[0] / 2, scale * size_hw[1] / 2
    centre = Box(width / 2 - half_w, height / 2 - half_h, width / 2 + half_w, height / 2 + half_h)
    return resize_box(image, centre, size_hw)


def resize_box(image: Image.Image, box: Box, size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """What lies in `box`, uint8 (*size_hw, 3); a part outside the image repeats its edge."""
    return np.asarray(_resized(image, box, size_hw))


def _resized(image: Image.Image, box: Box, size_hw: tuple[int, int]) -> Image.Image:
    width, height = image.size
    # The whole pixels that hold the box.
    left, top = math.floor(box.left), math.floor(box.top)
    right, bottom = max(math.ceil(box.right), left + 1), max(math.ceil(box.bottom), top + 1)
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        patch = image.crop((left, top, right, bottom))
    else:
        columns = np.clip(np.arange(left, right), 0, width - 1)
        rows = np.clip(np.arange(top, bottom), 0, height - 1)
        held = image.crop((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
        repeated = np.asarray(held)[rows[:, None] - rows[0], columns - columns[0]]
        patch = Image.fromarray(repeated)
    inner = (box.left - left, box.top - top, box.right - left, box.bottom - top)
    return patch.resize(
        (size_hw[1], size_hw[0]), Image.Resampling.BICUBIC, box=inner, reducing_gap=3.0
    )


def _about(crop: Box, face: Box, tilt: float) -> Box:
    """The crop with its centre rotated about the face's, for hair lies where the head leans."""
    x = (crop.left + crop.right - face.left - face.right) / 2
    y = (crop.top + crop.bottom - face.top - face.bottom) / 2
    cos, sin = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    right, down = x * cos - y * sin - x, x * sin + y * cos - y
    return Box(crop.left + right, crop.top + down, crop.right + right, crop.bottom + down)


def _around(box: Box, tilt: float) -> Box:
    """The upright box around one that is rotated by `tilt` degrees about its centre."""
    cos, sin = abs(math.cos(math.radians(tilt))), abs(math.sin(math.radians(tilt)))
    half_w = (cos * box.width + sin * box.height) / 2
    half_h = (sin * box.width + cos * box.height) / 2
    centre_x, centre_y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    return Box(centre_x - half_w, centre_y - half_h, centre_x + half_w, centre_y + half_h)


def _resize_rotated(
    image: Image.Image, box: Box, around: Box, tilt: float, size_hw: tuple[int, int]
) -> NDArray[np.uint8]:
    """What lies in `box` once it is rotated clockwise by `tilt` degrees about its centre."""
    cos, sin = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    # First what lies around it, at most twice as fine as the crop will be.
    scale = min(1.0, 2 * size_hw[0] / box.height)
    height, width = (max(1, round(scale * side)) for side in (around.height, around.width))
    patch = _resized(image, around, (height, width))
    inner_h, inner_w = (max(1, round(scale * side)) for side in (box.height, box.width))
    # Pillow asks where each pixel of the output comes from.
    left = width / 2 - cos * inner_w / 2 + sin * inner_h / 2
    top = height / 2 - sin * inner_w / 2 - cos * inner_h / 2
    straight = patch.transform(
        (inner_w, inner_h),
        Image.Transform.AFFINE,
        (cos, -sin, left, sin, cos, top),
        Image.Resampling.BICUBIC,
    )
    return np.asarray(straight.resize((size_hw[1], size_hw[0]), Image.Resampling.BICUBIC))
