"""How the frame of a model's crops (`types.Frame`) is fitted on ready crops."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pilah.errors import DataError, ImageError
from pilah.faces.detect import Detector
from pilah.faces.picture import Picture
from pilah.faces.search import search
from pilah.types import Box, Frame

ONE_KIND = 1.3
"""Of the heights of crops, in faces, the third quartile is at most so many times the first.

Of 120 pictures each, it is 1.08 in CelebA and in FairFace, and 1.79 in both with UTKFace together.
"""


def fit_frame(
    crop_paths: Iterable[Path], size_hw: tuple[int, int], cut_with: Frame | None = None
) -> Frame:
    """Fit the frame of ready face crops, from the boxes that the detector finds in them.

    Args:
        crop_paths: ready face crops of one size, as the model is trained on; a few hundred do.
        size_hw: height and width that the model takes. Of a crop with other proportions it sees the
            centre (`centre_crop`), and so does the frame.
        cut_with: the frame with which `pilah prepare` cut all of the crops out of photos; None for
            other crops.

    Returns:
        The median over the crops. Where some lie much closer to the face than others, none is right
        for both, but `cut_with` is: in use too a crop stays inside its photo, so that a tight photo
        gives a close crop.

    Raises:
        DataError: no crop can be read, the crops differ in size, fewer than half of their faces are
            found, or some lie much closer to the face than others and `cut_with` is None.
    """
    detector = Detector()
    boxes: list[Box] = []
    sizes: set[tuple[int, int]] = set()
    count = 0
    for path in crop_paths:
        count += 1
        try:
            picture = Picture(path)
        except ImageError:
            continue
        sizes.add(picture.size_hw)
        found = search(picture, detector, min_face=1, min_share=1)
        if found.rotation == 0:
            boxes += [face.box for face in found.detections[:1]]
    if not sizes:
        raise DataError(
            "none of the crops that show the frame can be read; put them back, or give another "
            "manifest with --frame-from"
        )
    if len(sizes) != 1:
        raise DataError(
            f"the crops that show the frame have {len(sizes)} sizes; give a manifest of readable "
            "crops of one size with --frame-from"
        )
    if 2 * len(boxes) < count:
        raise DataError(f"only {len(boxes)} of {count} crops show a face; give face crops")
    height, width = sizes.pop()
    frame = median_frame(boxes, (height, width))
    close, wide = np.quantile([height / box.height for box in boxes], (0.25, 0.75))
    if wide > ONE_KIND * close:
        if cut_with is None:
            raise DataError(
                f"a quarter of the crops that show the frame are {wide:.2f} faces high or more, a "
                f"quarter {close:.2f} or less; give a manifest of crops of one kind with "
                "--frame-from"
            )
        frame = cut_with
    seen = min(1.0, size_hw[0] / size_hw[1] * width / height)
    return replace(frame, height=frame.height * seen)


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
