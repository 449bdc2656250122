"""What a file says of its rotation and of pixels that are not square."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilah.video.ffmpeg import SideData


@dataclass(frozen=True, slots=True)
class Upright:
    """How a decoded frame becomes one as it is shown.

    `stored_hw` is its size with square pixels, before the rest. `transposed` exchanges its sides;
    then `flip_y` and `flip_x` mirror it. `matrix` is the file's own, for a file to be made from it.
    """

    stored_hw: tuple[int, int]
    transposed: bool = False
    flip_y: bool = False
    flip_x: bool = False
    matrix: tuple[int, ...] | None = None

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width as shown."""
        return self.stored_hw[::-1] if self.transposed else self.stored_hw

    def view(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Stored pixels (h, w, ...) as they are shown: the same memory, seen another way."""
        turned = pixels.swapaxes(0, 1) if self.transposed else pixels
        return turned[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]


def upright(frame: Any, aspect: Fraction | None) -> Upright:
    """What brings a video's frames upright, from its first."""
    width = max(1, round(frame.width * (aspect or 1)))
    for side in frame.side_data:
        if side.type == SideData.DISPLAYMATRIX:
            matrix = tuple(map(int, np.frombuffer(side, np.int32)))
            a, b, _, c, d, *_ = matrix
            if abs(b) + abs(c) > abs(a) + abs(d):
                return Upright((frame.height, width), True, b < 0, c < 0, matrix)
            return Upright((frame.height, width), False, d < 0, a < 0, matrix)
    return Upright((frame.height, width))
