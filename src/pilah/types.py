"""The values that flow between the stages: frozen, plain, and the same everywhere."""

from dataclasses import dataclass
from typing import Literal

Label = Literal["female", "male"]

LABELS: tuple[Label, Label] = ("female", "male")
"""The two labels in class order: 0 is female, 1 is male, as CelebA's `Male` attribute counts."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright image; `right` and `bottom` lie just outside it.

    A detector may place an edge outside the image: a box is not clipped.
    """

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Area in square pixels, 0 for an empty box."""
        return max(0.0, self.width) * max(0.0, self.height)


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the training crops lie, relative to a detector's box.

    The crop is centred at the box's centre moved by (`shift_x`, `shift_y`), and `height` high, all
    three counted in box heights; its width follows from the model's input size.
    """

    shift_x: float
    shift_y: float
    height: float


@dataclass(frozen=True, slots=True)
class Face:
    """One face: where it is, what annotators would likely call it, and how sure that is.

    `label` is None when the model is unsure. `p_male` is the calibrated probability of the label
    `male` (0 to 1). `detector_score` is the detector's confidence (0 to 1); 1 for a ready crop.
    """

    box: Box
    label: Label | None
    p_male: float
    detector_score: float

    @property
    def confidence(self) -> float:
        """Probability of the likelier label, 0.5 to 1."""
        return max(self.p_male, 1 - self.p_male)


@dataclass(frozen=True, slots=True)
class Result:
    """What is known about one photo: its faces, or the error that it raised.

    `path` is as it was given (None for a photo given as bytes or pixels). `size_hw` is the upright
    image's height and width, None where it could not be read. `faces` are ordered from the largest
    box to the smallest.
    """

    path: str | None
    faces: tuple[Face, ...] = ()
    error: str | None = None
    size_hw: tuple[int, int] | None = None

    @property
    def main(self) -> Face | None:
        """The largest face, None where there is none."""
        return self.faces[0] if self.faces else None

    @property
    def label(self) -> Label | None:
        """Label of the largest face; None when unsure, without a face, or unreadable."""
        return self.main.label if self.main else None

    @property
    def p_male(self) -> float | None:
        """P(male) of the largest face."""
        return self.main.p_male if self.main else None

    @property
    def box(self) -> Box | None:
        """Box of the largest face."""
        return self.main.box if self.main else None
