"""How a face is cut out for the model: the crop that the training faces had, told from a box.

A `Frame` (see `types.py`) holds that relation in units of the detector box's height, so that it
is fitted once a detector and needs no landmarks.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pilah.types import Box, Frame


def crop_box(box: Box, frame: Frame, size_hw: tuple[int, int]) -> Box:
    """Where the crop lies in the image, with the proportions of `size_hw`."""
    height = frame.height * box.height
    width = height * size_hw[1] / size_hw[0]
    centre_x = (box.left + box.right) / 2 + frame.shift_x * box.height
    centre_y = (box.top + box.bottom) / 2 + frame.shift_y * box.height
    return Box(
        centre_x - width / 2, centre_y - height / 2, centre_x + width / 2, centre_y + height / 2
    )


def frame_crop(
    image_rgb: NDArray[np.uint8], box: Box, frame: Frame, size_hw: tuple[int, int]
) -> NDArray[np.uint8]:
    """Cut out one face.

    Args:
        image_rgb: uint8 (h, w, 3).
        box: the detector's box in pixels of `image_rgb`.
        frame: where the crop lies, told from that detector's boxes.
        size_hw: height and width of the crop to return.

    Returns:
        The crop, uint8 (*size_hw, 3). What lies outside the image repeats its edge.
    """
    return cut(image_rgb, crop_box(box, frame, size_hw), size_hw)


def cut(image_rgb: NDArray[np.uint8], box: Box, size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize what lies in `box` to `size_hw`; see `frame_crop`."""
    height, width = image_rgb.shape[:2]
    # The whole pixels that hold the box, and how many of them the image lacks on each side.
    left, top = math.floor(box.left), math.floor(box.top)
    right, bottom = max(math.ceil(box.right), left + 1), max(math.ceil(box.bottom), top + 1)
    columns = np.clip(np.arange(left, right), 0, width - 1)
    rows = np.clip(np.arange(top, bottom), 0, height - 1)
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        patch = image_rgb[top:bottom, left:right]
    else:
        patch = image_rgb[rows[:, None], columns]
    inner = (box.left - left, box.top - top, box.right - left, box.bottom - top)
    resized = Image.fromarray(np.ascontiguousarray(patch)).resize(
        (size_hw[1], size_hw[0]), Image.Resampling.BICUBIC, box=inner, reducing_gap=3.0
    )
    return np.asarray(resized)


def fit_crop(image_rgb: NDArray[np.uint8], size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Bring a ready face crop to the model's size: its largest centred part of those proportions.

    Args:
        image_rgb: uint8 (h, w, 3).
        size_hw: height and width to return.
    """
    height, width = image_rgb.shape[:2]
    scale = min(height / size_hw[0], width / size_hw[1])
    half_h, half_w = scale * size_hw[0] / 2, scale * size_hw[1] / 2
    centre = Box(width / 2 - half_w, height / 2 - half_h, width / 2 + half_w, height / 2 + half_h)
    return cut(image_rgb, centre, size_hw)


def fit_frame(boxes: Sequence[Box], crop_size_hw: tuple[int, int]) -> Frame:
    """The frame of ready crops, from a detector's boxes on them: one box a crop.

    Args:
        boxes: the detector's box of the face in each crop, in pixels of the crop.
        crop_size_hw: height and width of the crops in pixels.

    Returns:
        The median over the crops, so a face that was missed or mistaken does no harm.
    """
    height, width = crop_size_hw
    shifts_x = [(width - box.left - box.right) / 2 / box.height for box in boxes]
    shifts_y = [(height - box.top - box.bottom) / 2 / box.height for box in boxes]
    heights = [height / box.height for box in boxes]
    return Frame(
        shift_x=float(np.median(shifts_x)),
        shift_y=float(np.median(shifts_y)),
        height=float(np.median(heights)),
    )
