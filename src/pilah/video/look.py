"""What one look at a video saw: the faces of one still, and what changed before it.

Looks are plain values, so they can be written down and read again: a look is most of the work.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pilah.errors import VideoError
from pilah.types import Box, Face, Result
from pilah.video.cuts import Change
from pilah.video.decode import Still

AHEAD = 2
"""Stills a thread that are decoded before they are needed: several megabytes each."""

SHARPNESS_HW = (64, 64)
MARK_HW = (4, 4)
MARK_AROUND = 0.25
"""The mark of a face shows a quarter of its height more on each side: hair and collar."""


class AnswersOf(Protocol):
    """`Pilah.predict_pixels`, or what does the same."""

    def __call__(
        self, images: Iterable[tuple[Any, NDArray[np.uint8]]], /, *, ahead: int
    ) -> Iterator[tuple[Any, Result]]:
        """(key, pixels) in, (key, Result) out, in the same order."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face in one still: `face` in pixels of the video as shown, its `time` in seconds.

    It `lasts` so many seconds: until the next look, or until the video ends.

    `sharpness` is the variance of its Laplacian by that of its brightness, 0 where it is blurred.
    `mark` is its colours in `MARK_HW` fields, RGB, 0 to 255: enough to tell it from another face.
    """

    time: Fraction
    face: Face
    sharpness: float
    mark: bytes
    lasts: Fraction


@dataclass(frozen=True, slots=True)
class Look:
    """One still: its time, and the faces that it shows.

    `size_hw` is the video's, as shown, in pixels; `change` is what changed since the last look.
    """

    time: Fraction
    size_hw: tuple[int, int]
    change: Change
    sightings: tuple[Sighting, ...]

    def to_json(self) -> dict[str, Any]:
        """The look as JSON has it."""
        return {
            "time": str(self.time),
            "size_hw": self.size_hw,
            "change": self.change,
            "faces": [
                {
                    **sighting.face.to_json(),
                    "sharpness": sighting.sharpness,
                    "mark": sighting.mark.hex(),
                    "lasts": str(sighting.lasts),
                }
                for sighting in self.sightings
            ],
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Look":
        """The look that `to_json` wrote."""
        time = Fraction(raw["time"])
        return cls(
            time,
            tuple(raw["size_hw"]),
            raw["change"],
            tuple(
                Sighting(
                    time,
                    Face.from_json(face),
                    face["sharpness"],
                    bytes.fromhex(face["mark"]),
                    Fraction(face["lasts"]),
                )
                for face in raw["faces"]
            ),
        )


def look_at(
    stills: Iterable[tuple[Still, Change]],
    answers_of: AnswersOf,
    *,
    after: Fraction | None = None,
) -> Iterator[Look]:
    """Look at stills, one after the other.

    Args:
        stills: those to look at, each with what changed before it.
        answers_of: finds and classifies the faces of a still.
        after: the time of the last still that was looked at before, in an earlier run.

    Raises:
        VideoError: there is no memory left to search a still, or the like.
    """

    def asked() -> Iterator[tuple[tuple[Still, Change, NDArray[np.uint8]], NDArray[np.uint8]]]:
        for still, change in stills:
            if after is None or still.time > after:
                pixels = still.pixels()
                yield (still, change, pixels), pixels

    for (still, change, pixels), result in answers_of(asked(), ahead=AHEAD):
        if result.error is not None:
            raise VideoError(
                f"the frame at {float(still.time):.2f} s cannot be searched: {result.error}"
            )
        seen = (
            Sighting(
                still.time, face, sharpness(pixels, face.box), mark(pixels, face.box), still.lasts
            )
            for face in result.faces
        )
        yield Look(still.time, (pixels.shape[0], pixels.shape[1]), change, tuple(seen))


def sharpness(image_rgb: NDArray[np.uint8], box: Box) -> float:
    """How sharp a face is, whatever its size and contrast.

    The variance of the Laplacian (Pech-Pacheco and others, "Diatom autofocusing in brightfield
    microscopy", 2000), by the variance of the brightness.
    """
    grey = np.asarray(_resized(_part(image_rgb, box, 0.0).convert("L"), SHARPNESS_HW), np.float32)
    middle = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * middle).var() / max(grey.var(), 1.0))


def mark(image_rgb: NDArray[np.uint8], box: Box) -> bytes:
    """The colours of a face and around it; see `Sighting`."""
    return _resized(_part(image_rgb, box, MARK_AROUND), MARK_HW).tobytes()


def _part(image_rgb: NDArray[np.uint8], box: Box, around: float) -> Image.Image:
    """What lies in a box and `around` it, in heights of the box, inside the image."""
    height, width = image_rgb.shape[:2]
    more = around * box.height
    left, top = max(0, int(box.left - more)), max(0, int(box.top - more))
    right = min(width, max(left + 1, int(box.right + more)))
    bottom = min(height, max(top + 1, int(box.bottom + more)))
    left, top = min(left, right - 1), min(top, bottom - 1)
    return Image.fromarray(np.ascontiguousarray(image_rgb[top:bottom, left:right]))


def _resized(image: Image.Image, size_hw: tuple[int, int]) -> Image.Image:
    return image.resize((size_hw[1], size_hw[0]), Image.Resampling.BOX)
