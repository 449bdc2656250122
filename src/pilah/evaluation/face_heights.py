"""How right and how sure is a model about small faces? Measured on photos made smaller.

The lower a face, the less it shows, and the more often a model errs that was calibrated on large
faces. Each photo is scaled down until its face has each of `HEIGHTS`, and takes the whole path from
there: found, cropped, answered. The temperature that fits each height goes into the bundle
(`HeightPoint`), so that one confidence means the same at every height.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pilah.answers import likelier
from pilah.errors import ImageError
from pilah.evaluation.calibrate import fit_temperature
from pilah.evaluation.metrics import Ints
from pilah.faces.extract import Extracted, Extractor
from pilah.images import load
from pilah.models.bundle import HeightPoint, PhotoCounts
from pilah.progress import tracked

HEIGHTS = (20, 28, 40, 56, 80, 112)
"""Pixels of a face in the photo. Above the last, a face counts as large."""

BATCH = 256

PMale = Callable[[np.ndarray], NDArray[np.floating]]


def measure_face_heights(
    paths: Sequence[str],
    labels: Ints,
    extractor: Extractor,
    p_male_of: PMale,
) -> tuple[PhotoCounts, tuple[HeightPoint, ...]]:
    """Photos as they are, and scaled down to each of `HEIGHTS`.

    Args:
        paths: validation photos, one face each.
        labels: annotated labels, shape (N,), 0 female and 1 male.
        extractor: finds and crops the faces; the largest of a photo counts.
        p_male_of: what the model says of crops uint8 (n, *size, 3): float (n,).

    Returns:
        The counts of the photos as they are, and a point for each height that any face had.
    """
    crops: dict[int | None, list[np.ndarray]] = {height: [] for height in (*HEIGHTS, None)}
    whose: dict[int | None, list[int]] = {height: [] for height in (*HEIGHTS, None)}
    answers: dict[int | None, list[NDArray[np.floating]]] = {
        height: [] for height in (*HEIGHTS, None)
    }
    tried: dict[int | None, int] = dict.fromkeys((*HEIGHTS, None), 0)

    def classify(height: int | None, least: int) -> None:
        if len(crops[height]) >= least:
            answers[height].append(p_male_of(np.stack(crops[height])))
            crops[height].clear()

    for index, path in enumerate(tracked(paths, "Measuring small faces", total=len(paths))):
        for height, extracted in _at_heights(path, extractor):
            tried[height] += 1
            if len(extracted.crops):
                crops[height].append(extracted.crops[0])
                whose[height].append(index)
                classify(height, BATCH)
    points = []
    whole = PhotoCounts(0, 0, 0)
    for height in (*HEIGHTS, None):
        classify(height, 1)
        if not whose[height]:
            continue
        p_male = np.concatenate(answers[height]).astype(np.float64)
        annotated = labels[whose[height]]
        right = int((likelier(p_male) == annotated).sum())
        counts = PhotoCounts(tried[height], tried[height] - len(annotated), right)
        if height is None:
            whole = counts
        else:
            points.append(HeightPoint(height, fit_temperature(p_male, annotated), counts))
    return whole, tuple(points)


def _at_heights(path: str, extractor: Extractor) -> Iterator[tuple[int | None, Extracted]]:
    """The faces of a photo as it is (None), and scaled down to each height below its own."""
    try:
        photo = Image.fromarray(load(path))
    except ImageError:
        return
    whole = extractor(photo, crops=False)
    yield None, whole
    for height in HEIGHTS if whole.heights else ():
        scale = height / whole.heights[0]
        if scale < 1:
            width, high = (max(1, round(scale * side)) for side in photo.size)
            yield height, extractor(photo.resize((width, high), Image.Resampling.BOX), crops=False)
