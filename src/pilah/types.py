"""The values that flow between the stages: frozen, plain, and the same everywhere."""

from dataclasses import dataclass
from typing import Any, Literal

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
    """Where the crop of a face lies, in units of the height of the detector's box.

    The crop is centred at the box's centre moved by (`shift_x`, `shift_y`), and `height` high; its
    width follows from the model's input size.
    """

    shift_x: float
    shift_y: float
    height: float


@dataclass(frozen=True, slots=True)
class Face:
    """One face: where it is, what annotators would likely call it, and how sure that is.

    `label` is None when the model is unsure. `p_male` is the calibrated probability of the label
    `male` (0 to 1). `detector_score` is the detector's confidence (0 to 1); 1 for a ready crop.
    `tilt` says by how many degrees, clockwise, the face was tilted; it was rotated back before it
    was cropped, and is 0 where that was not needed. `height` is the face's own height in pixels of
    the photo, which in a photo that lies on its side is the width of its box; None is the box's.
    """

    box: Box
    label: Label | None
    p_male: float
    detector_score: float
    tilt: float = 0.0
    height: float = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Take the box's height where none is given."""
        if self.height is None:
            object.__setattr__(self, "height", self.box.height)

    @property
    def confidence(self) -> float:
        """Probability of the likelier label, 0.5 to 1."""
        return max(self.p_male, 1 - self.p_male)

    def to_json(self) -> dict[str, Any]:
        """The face as JSON has it; `box` is left, top, right, bottom."""
        box = self.box
        return {
            "box": [box.left, box.top, box.right, box.bottom],
            "label": self.label,
            "p_male": self.p_male,
            "detector_score": self.detector_score,
            "tilt": self.tilt,
            "height": self.height,
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Face":
        """The face that `to_json` wrote, also as journals of pilah 0.1 have it."""
        box = raw["box"]
        return cls(
            Box(**box) if isinstance(box, dict) else Box(*box),
            raw["label"],
            raw["p_male"],
            raw["detector_score"],
            raw.get("tilt", 0.0),
            raw.get("height"),  # type: ignore[arg-type]
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What is known about one photo: its faces, or the error that it raised.

    `path` is as it was given (None for a photo given as bytes or pixels). `size_hw` is the height
    and width of the photo as a viewer shows it, None where it could not be read. `faces` are
    ordered from the highest to the least high; their boxes are in pixels of that photo. `rotation`
    says by how many degrees clockwise (0, 90, 180, 270) the photo had to be rotated to be upright,
    where its file does not say so. `depth` says how far the search for faces went: the height in
    pixels from which faces were looked for, None for a ready crop.
    """

    path: str | None
    faces: tuple[Face, ...] = ()
    error: str | None = None
    size_hw: tuple[int, int] | None = None
    rotation: int = 0
    depth: float | None = None

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

    def to_json(self) -> dict[str, Any]:
        """The result as JSON has it, with the largest face's `label` and `p_male` on top."""
        return {
            "path": self.path,
            "label": self.label,
            "p_male": self.p_male,
            "error": self.error,
            "size_hw": self.size_hw and list(self.size_hw),
            "rotation": self.rotation,
            "depth": self.depth,
            "faces": [face.to_json() for face in self.faces],
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Result":
        """The result that `to_json` wrote, also as journals of pilah 0.1 have it."""
        size_hw = raw["size_hw"]
        return cls(
            raw["path"],
            tuple(map(Face.from_json, raw["faces"])),
            raw["error"],
            (size_hw[0], size_hw[1]) if size_hw else None,
            raw.get("rotation", 0),
            raw.get("depth"),
        )
