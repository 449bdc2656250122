"""Search a photo for faces: at the sizes that faces have, in parts, and in the rotation it has.

The photo is looked at on ever larger scales, the first of which shows it whole, 320 pixels long. On
each a face is found from `RELIABLE` pixels up, so a scale twice as large finds faces half as high.
A larger scale only adds faces that were too small for the ones before, or uncertain there; what was
found stays as it is. So it does not matter for a face how much deeper the search goes, and a search
may end as soon as smaller faces decide nothing. Where nothing is found at all, a last, smaller
scale looks for a face that fills the picture.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilah.faces.detect import RELIABLE, Detection, Detector, distinct, repeats
from pilah.faces.picture import Picture
from pilah.faces.upright import rotated

BASE = 320
"""Length of the first scale, in pixels; a picture longer than twice its other side is longer."""

SMALL = 160
MOST_ENLARGED = 2.0
"""A picture shorter than `SMALL` pixels is enlarged to it, at most `MOST_ENLARGED` times; a larger
one only where `min_face` asks for faces below `RELIABLE` pixels."""

PART = 1280
"""Larger scales are searched in parts of at most this many pixels a side, to bound the memory."""

OVERLAP = round(4 * RELIABLE)

MIN_SCORE = 0.7
OPEN_SCORE = 0.4
LAST_SCORE = 0.6
"""What counts as a face; what the next scale is asked about again; and what counts as a face where
nothing else was found in the whole photo."""

FILLING = 0.7
FILLING_SCORE = 0.5
"""Where nothing else was found, a face this high, as a share of the picture's shorter side, needs a
lower score: few things that are no face fill a picture like one."""

NEAR = 3.0
"""Where the search goes to its end in any case and has found a face, the scale between one scale
and a last one at most this much larger is left out: the last finds its faces, 72 pixels high, too.
"""

SHARP = 112.0
"""A face this high on a scale is not seen better on a larger one."""

UPRIGHT_SCORE = 0.9
CLEAR = 32.0
"""A face of `CLEAR` pixels or more mostly scores `UPRIGHT_SCORE` in an upright photo, and hardly
ever in a rotated one. Below it, the other rotations are searched too."""

ROTATED_SCORE = 0.85
ROTATED_MARGIN = 0.02
"""What a face must score for another rotation to be taken, and by how much more than upright.

Without them, profiles in tight pictures are rotated that should not be."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a search found.

    `detections` are in pixels of the photo after it was rotated by `rotation` degrees clockwise (0,
    90, 180 or 270), the highest face first. `depth` is how far the search went: the height in
    pixels of the photo from which faces were looked for.
    """

    detections: tuple[Detection, ...]
    rotation: int
    depth: float


def search(
    picture: Picture, detector: Detector, *, min_face: float, min_share: float = 0.0
) -> Search:
    """Find the faces of a photo.

    Args:
        picture: the photo.
        detector: who finds them.
        min_face: smallest height of a face, in pixels of the photo.
        min_share: faces less high than this share of the largest need not be found (though they
            may be): 0 for all of them, 1 for the largest alone.
    """
    shorter, longer = sorted(picture.size_hw)
    scale = _first_scale(min(longer, 2 * shorter))
    most = MOST_ENLARGED * picture.most_scale
    finest = max(scale, min(most, RELIABLE / max(min_face, 1.0)))
    seen = _Seen(picture, detector)
    while True:
        is_last = scale >= finest
        seen.look(scale, is_last=is_last)
        depth = RELIABLE / scale
        decisive = min_share * seen.highest
        is_open = any(face.box.height >= decisive for face in seen.open)
        enough = RELIABLE / decisive if decisive and not is_open else np.inf
        if is_last or scale >= enough:
            break
        is_near = seen.found and not min_share and finest <= NEAR * scale
        scale = finest if is_near else min(2 * scale, enough, finest)
    seen.end()
    kept = [face for face in seen.found if face.box.height >= min_face]
    kept.sort(key=lambda face: -face.box.height)
    return Search(tuple(kept), seen.rotation, max(depth, min_face))


def _first_scale(length: int) -> float:
    return min(BASE / length, 1.0) if length >= SMALL else min(SMALL / length, MOST_ENLARGED)


class _Seen:
    """What was found on the scales so far."""

    def __init__(self, picture: Picture, detector: Detector) -> None:
        self._picture = picture
        self._detector = detector
        self._largest = np.inf  # a face above it was looked for on a scale before
        self._compared = False
        self._candidates: list[Detection] = []  # what may be a face, where nothing better is found
        self.open: list[Detection] = []  # what the next scale must decide
        self.found: list[Detection] = []
        self.rotation = 0

    @property
    def highest(self) -> float:
        """Height of the largest face so far."""
        return max((face.box.height for face in self.found), default=0.0)

    def look(self, scale: float, *, is_last: bool) -> None:
        """Search one scale."""
        image_rgb = self._picture.at(scale)
        found = self._on(rotated(image_rgb, self.rotation), scale)
        if self._may_be_rotated(found, image_rgb.shape, scale, is_last=is_last):
            self._compared = bool(found)
            for rotation in (90, 180, 270):
                other = self._on(rotated(image_rgb, rotation), scale)
                if _best(other) > max(_best([*found, *self.found]) + ROTATED_MARGIN, ROTATED_SCORE):
                    found, self.rotation, self.found = other, rotation, []
        likely = [face for face in found if face.score >= MIN_SCORE and self._is_new(face)]
        self.found += likely
        weak = [face for face in found if face.score < MIN_SCORE]
        weak = [face for face in weak if not _repeated(face, self.found)]
        self._candidates += weak
        self.open = [face for face in weak if face.box.height * scale < SHARP]
        self._largest = RELIABLE / scale

    def end(self) -> None:
        """Where no face is certain enough, take the best of what may be one.

        A face that fills the picture is found best where the picture is small.
        """
        if self.found:
            return
        shorter = min(self._picture.size_hw)
        scale = min(SMALL / shorter, 1.0)
        whole = self._on(rotated(self._picture.at(scale), self.rotation), scale)
        likely = [face for face in self._candidates if face.score >= LAST_SCORE]
        for face in [*self._candidates, *whole]:
            if face.score >= FILLING_SCORE and face.box.height >= FILLING * shorter:
                likely.append(face)
        self.found = sorted(likely, key=lambda face: -face.score)[:1]

    def _is_new(self, face: Detection) -> bool:
        """Whether a face is one that the scales before could not see, or were not sure about."""
        if not self.found:
            return True
        awaited = face.box.height < self._largest or _repeated(face, self.open)
        return awaited and not _repeated(face, self.found)

    def _may_be_rotated(
        self, found: list[Detection], shape: tuple[int, ...], scale: float, *, is_last: bool
    ) -> bool:
        """Whether the photo, were it upright, would show faces of a better score."""
        known = [*self.found, *found]
        if self._compared or _best(known) >= UPRIGHT_SCORE:
            return False
        if not known:  # most photos without a face have none in any rotation: two scales are enough
            return min(max(shape[:2]), 2 * min(shape[:2])) <= 2 * BASE
        return is_last or max(face.box.height for face in known) * scale >= CLEAR

    def _on(self, image_rgb: NDArray[np.uint8], scale: float) -> list[Detection]:
        """Faces on one scale, in pixels of the photo."""
        height, width = image_rgb.shape[:2]
        shorter = min(height, width)
        # A face that is cut by the edge of one part lies whole in another. On the first scale it
        # may be as high as the picture; on larger ones, larger faces were looked for before.
        part, overlap = (2 * shorter, shorter) if shorter <= BASE else (PART, OVERLAP)
        found = []
        for top in _starts(height, part, overlap):
            for left in _starts(width, part, overlap):
                bottom, right = min(top + part, height), min(left + part, width)
                here = self._detector.detect(
                    image_rgb[top:bottom, left:right], min_score=OPEN_SCORE
                )
                inner = (left > 0, top > 0, right < width, bottom < height)
                found += [
                    face.moved(1 / scale, left, top)
                    for face in here
                    if not _cut(face, inner, bottom - top, right - left)
                ]
        return distinct(found)


def _repeated(face: Detection, others: list[Detection]) -> bool:
    return any(repeats(face, other) for other in others)


def _best(found: list[Detection]) -> float:
    return max((face.score for face in found), default=0.0)


def _starts(length: int, part: int, overlap: int) -> list[int]:
    """Where the parts of a side begin: as few as possible, evenly spread."""
    if length <= part:
        return [0]
    count = -(-(length - overlap) // (part - overlap))
    return [round(number * (length - part) / (count - 1)) for number in range(count)]


def _cut(face: Detection, inner: tuple[bool, bool, bool, bool], height: int, width: int) -> bool:
    """Whether a face is cut by an edge of a part that is not an edge of the photo."""
    box = face.box
    over = (box.left < 1, box.top < 1, box.right > width - 1, box.bottom > height - 1)
    return any(edge and crossed for edge, crossed in zip(inner, over, strict=True))
