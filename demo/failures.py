"""Draw how the shipped model fails, on faces that may be shown: `python -m demo.failures FILE`.

The faces are the two portraits of portraits.py, of women with short hair, one under a cap. Each is
given to the model as it is, and changed in ways in which photos come out badly.
"""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import pilah
from demo.portraits import portraits
from pilah.app.drawing import draw_faces
from pilah.evaluation.plots import STYLE
from pilah.figures import Figure, mpl
from pilah.types import Box, Face

LABEL = "female"
"""What annotators say of both."""

SHOWN = 2.8  # side of what is shown, in heights of the face
COVER = (64, 64, 64)
PIXELS = 420  # height of a picture before it is framed, so that all frames are equally thick


@dataclass(frozen=True, slots=True)
class Case:
    """A portrait that was changed somehow, and the faces that the model found on it."""

    portrait: str
    change: str
    photo: Image.Image
    faces: tuple[Face, ...]

    @property
    def answer(self) -> str:
        """The answer in words, for a caption."""
        if not self.faces:
            return "no face found"
        face = self.faces[0]
        if face.label is None:
            return "unsure"
        return f"{face.label}, {face.confidence:.0%}"

    @property
    def is_right(self) -> bool:
        """Whether the model says what annotators say."""
        return bool(self.faces) and self.faces[0].label == LABEL


def cases() -> list[Case]:
    """Both portraits, each changed in every way, with the default model's answers."""
    model = pilah.load()
    found = []
    for name, portrait in portraits().items():
        box = model.predict(np.asarray(portrait)).faces[0].box
        for change, changed in CHANGES.items():
            photo = _around(changed(portrait, box), box)
            found.append(Case(name, change, photo, model.predict(np.asarray(photo)).faces))
    return found


def draw(found: list[Case], path: Path) -> None:
    """Write a row for each portrait, a column for each change."""
    rows = list(dict.fromkeys(case.portrait for case in found))
    columns = len(found) // len(rows)
    with mpl.rc_context({**STYLE, "axes.grid": False, "savefig.dpi": 100}):
        figure = Figure(figsize=(2.1 * columns, 2.6 * len(rows)))
        for axes, case in zip(figure.subplots(len(rows), columns).flat, found, strict=True):
            axes.imshow(_framed(case))
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            axes.set_title(case.change, fontsize=11, fontweight="normal", loc="center")
            axes.set_xlabel(case.answer, fontweight="normal" if case.is_right else "bold")
        with io.BytesIO() as file:
            figure.savefig(file)
            # few colours, for it is committed
            Image.open(file).convert("RGB").quantize(256).save(path, optimize=True)


def _framed(case: Case) -> Image.Image:
    size_hw = (case.photo.height, case.photo.width)
    larger = case.photo.resize((round(size_hw[1] * PIXELS / size_hw[0]), PIXELS))
    with io.BytesIO() as file:
        larger.save(file, "JPEG", quality=95)
        return Image.open(io.BytesIO(draw_faces(file.getvalue(), case.faces[:1], size_hw)))


def _around(photo: Image.Image, box: Box) -> Image.Image:
    """The square around the face, moved into the photo where it would stand out of it."""
    side = min(round(SHOWN * (box.bottom - box.top)), *photo.size)
    left = min(max(0, round((box.left + box.right - side) / 2)), photo.width - side)
    top = min(max(0, round((box.top + box.bottom - side) / 2)), photo.height - side)
    return photo.crop((left, top, left + side, top + side))


def _cover(photo: Image.Image, box: Box, start: float, end: float) -> Image.Image:
    """Cover a band across the face, from `start` to `end` in heights of its box."""
    photo = photo.copy()
    height, width = box.bottom - box.top, box.right - box.left
    band = (
        box.left - width / 2,
        box.top + start * height,
        box.right + width / 2,
        box.top + end * height,
    )
    ImageDraw.Draw(photo).rectangle(band, fill=COVER)
    return photo


CHANGES: dict[str, Callable[[Image.Image, Box], Image.Image]] = {
    "as it is": lambda photo, box: photo,
    "a tenth of the light": lambda photo, box: photo.point(lambda value: value // 10),
    "blurred": lambda photo, box: photo.filter(
        ImageFilter.GaussianBlur((box.bottom - box.top) / 30)
    ),
    "eyes covered": lambda photo, box: _cover(photo, box, 0.15, 0.45),
    "mouth covered": lambda photo, box: _cover(photo, box, 0.55, 1.1),
    "hair covered": lambda photo, box: _cover(photo, box, -0.6, 0.1),
}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m demo.failures FILE")
    draw(cases(), Path(sys.argv[1]))
