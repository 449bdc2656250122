"""How the frame of a model's crops (`types.Frame`) is fitted on ready crops."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from pilah.errors import DataError, ImageError
from pilah.faces.detect import Detector
from pilah.faces.picture import Picture
from pilah.faces.search import search
from pilah.types import Box, Frame


def fit_frame(crop_paths: Iterable[Path]) -> Frame:
    """Fit the frame of ready face crops, from the boxes that the detector finds in them.

    Args:
        crop_paths: ready face crops of one size, as the model is trained on; a few hundred do.

    Raises:
        DataError: the crops differ in size, or fewer than half of their faces are found.
    """
    detector = Detector()
    boxes: list[Box] = []
    sizes: set[tuple[int, int]] = set()
    count = 0
    for path in crop_paths:
        try:
            picture = Picture(path)
        except ImageError:
            continue
        count += 1
        sizes.add(picture.size_hw)
        found = search(picture, detector, min_face=1, min_share=1)
        if found.rotation == 0:
            boxes += [face.box for face in found.detections[:1]]
    if len(sizes) != 1:
        raise DataError(
            f"the crops that show the frame have {len(sizes)} sizes; give a manifest of readable "
            "crops of one size with --frame-from"
        )
    if 2 * len(boxes) < count:
        raise DataError(f"only {len(boxes)} of {count} crops show a face; give face crops")
    return median_frame(boxes, sizes.pop())


def median_frame(boxes: Sequence[Box], crop_size_hw: tuple[int, int]) -> Frame:
    """The frame of ready crops, from the detector's box in each.

    Args:
        boxes: the box of the face in each crop, in pixels of the crop.
        crop_size_hw: height and width of the crops in pixels.

    Returns:
        The median over the crops, so a mistaken box does no harm.
    """
    height, width = crop_size_hw
    return Frame(
        shift_x=_median((width - box.left - box.right) / 2 / box.height for box in boxes),
        shift_y=_median((height - box.top - box.bottom) / 2 / box.height for box in boxes),
        height=_median(height / box.height for box in boxes),
    )


def _median(values: Iterable[float]) -> float:
    return float(np.median(list(values)))
