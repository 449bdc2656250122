"""Which parts of a face changed the answer? Each is covered in turn, and the model asked anew.

Occlusion sensitivity: Zeiler and Fergus, "Visualizing and understanding convolutional networks",
ECCV 2014, section 4.2. A grey square moves over the crop; where it lies when the probability
changes most, the model looked at something that counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilah.models.classifier import Classifier

SQUARE = 5
"""Squares that fit into the height of a crop; each overlaps the next by half."""

GREY = 128


@dataclass(frozen=True, slots=True)
class Crop:
    """What a model sees of a face: uint8 RGB (h, w, 3) of its input size.

    `height` is the face's in pixels of the photo, NaN for a ready crop.
    """

    image_rgb: NDArray[np.uint8]
    height: float


@dataclass(frozen=True, slots=True)
class Occlusion:
    """How the answer about a crop depends on its parts.

    `p_male` is the answer to the whole crop. `change` (h, w) is what covering a pixel adds to it
    (-1 to 1): the mean over the squares that cover the pixel. `lowest` and `highest` are the least
    and the greatest P(male) with one square covered.
    """

    crop: Crop
    p_male: float
    change: NDArray[np.float32]
    lowest: float
    highest: float


def occlude(crop: Crop, classifier: Classifier) -> Occlusion:
    """Cover a crop square by square; 63 squares of a crop of 160 by 128 pixels."""
    height, width = crop.image_rgb.shape[:2]
    squares = list(_squares(height, width))
    covered = np.repeat(crop.image_rgb[None], len(squares) + 1, axis=0)  # the first is not covered
    for each, square in zip(covered[1:], squares, strict=True):
        each[square] = GREY
    heights = np.full(len(covered), crop.height)
    whole, *others = classifier.p_male(covered, heights).tolist()
    total, number = np.zeros((2, height, width), np.float32)
    for square, p_male in zip(squares, others, strict=True):
        total[square] += p_male - whole
        number[square] += 1
    return Occlusion(crop, whole, total / number, min(others), max(others))


def _squares(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of each square; together they cover every pixel."""
    side = max(1, round(height / SQUARE))
    for top in _starts(height, side):
        for left in _starts(width, side):
            yield slice(top, top + side), slice(left, left + side)


def _starts(length: int, side: int) -> list[int]:
    number = int(np.ceil((length - side) / (side / 2))) + 1
    return [round(start) for start in np.linspace(0, length - side, max(1, number))]
