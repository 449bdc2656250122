"""Faces of several photos become Results: classified together, then said photo by photo."""

from collections.abc import Sequence
from itertools import islice

import numpy as np

from pilah.answers import label_of
from pilah.faces.extract import Extracted
from pilah.models.classifier import Classifier
from pilah.types import Face, Result


def results_of(
    photos: Sequence[tuple[str | None, Extracted, float]], classifier: Classifier
) -> list[Result]:
    """Classify the faces of several photos, and give a Result for each.

    Args:
        photos: each with its path, its faces, and the minimum confidence below which one is unsure.
        classifier: of the model that the faces were cropped for.
    """
    with_faces = [extracted for _, extracted, _ in photos if len(extracted.crops)]
    p_male = iter(_p_male(with_faces, classifier) if with_faces else ())
    return [
        Result(
            path,
            tuple(
                Face(found.box, label_of(p, min_confidence), p, found.score, found.tilt, high)
                for found, high, p in zip(
                    extracted.detections,
                    extracted.heights,
                    islice(p_male, len(extracted.crops)),
                    strict=True,
                )
            ),
            extracted.error,
            extracted.size_hw,
            extracted.rotation,
            extracted.depth,
        )
        for path, extracted, min_confidence in photos
    ]


def _p_male(photos: list[Extracted], classifier: Classifier) -> list[float]:
    heights = [
        height if extracted.depth is not None else np.nan
        for extracted in photos
        for height in extracted.heights
    ]
    crops = np.concatenate([extracted.crops for extracted in photos])
    p_male: list[float] = classifier.p_male(crops, np.array(heights)).tolist()
    return p_male
