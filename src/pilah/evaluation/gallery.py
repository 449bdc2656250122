"""The faces about which a run was wrong, in one picture."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pilah.answers import likelier
from pilah.errors import ImageError
from pilah.figures import Figure
from pilah.images import load
from pilah.runs.tables import Scores
from pilah.types import LABELS

LIMIT = 40
COLUMNS = 8


def surest_mistakes(scores: Scores) -> NDArray[np.intp]:
    """Indices of the scored faces that were predicted wrongly, the surest mistakes first."""
    wrong = np.flatnonzero(likelier(scores.p_male) != scores.labels)
    return wrong[np.argsort(-np.abs(scores.p_male[wrong] - 0.5), kind="stable")]


class Gallery:
    """The surest mistakes among the scored faces, as far as their images can still be read."""

    def __init__(self, scores: Scores, faces: str) -> None:
        """Read the images; `faces` names what was scored, for the title."""
        wrong = surest_mistakes(scores)
        self._scores = scores
        self._images: dict[int, Image.Image] = {}
        unreadable = 0
        for index in map(int, wrong):
            if len(self._images) == LIMIT:
                break
            try:
                self._images[index] = Image.fromarray(load(scores.paths[index]))
            except ImageError:
                unreadable += 1
        notes = ["the surest mistakes first"]
        if not len(wrong):
            notes = ["every face was predicted as annotated"]
        if len(self._images) + unreadable < len(wrong):
            notes.append(f"{len(self._images)} shown")
        if unreadable:
            notes.append(f"{unreadable} left out: the image is gone or cannot be read")
        self._title = f"Wrong predictions: {len(wrong):,} of {faces}\n{'; '.join(notes)}"

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height of a figure that holds it."""
        return 1.5 * COLUMNS, 0.8 + 2.25 * self._rows

    @property
    def _rows(self) -> int:
        return -(-len(self._images) // COLUMNS)

    def draw(self, figure: Figure) -> None:
        """Fill a figure; without a mistake it holds the title only."""
        figure.suptitle(self._title, fontsize="large", x=0.01, ha="left")
        if not self._images:
            return
        grid = figure.subplots(self._rows, COLUMNS, squeeze=False).ravel()
        for axes in grid:
            axes.set_axis_off()
        for axes, (index, image) in zip(grid, self._images.items(), strict=False):
            axes.imshow(image)
            axes.set_title(
                f"label: {LABELS[self._scores.labels[index]]}\n"
                f"P(male) {self._scores.p_male[index]:.3f}",
                fontsize="small",
                fontweight="normal",
                loc="center",
            )
