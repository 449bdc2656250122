"""Faces become Results: those of one photo, or of several that are classified together."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from pilah.answers import label_of
from pilah.faces.extract import Extracted, Extractor
from pilah.models.bundle import BundleFile
from pilah.models.classifier import Classifier, classifier_of
from pilah.photo import Photo
from pilah.types import Face, Result


@dataclass(frozen=True, slots=True)
class Answerer:
    """All that turns a photo into its Result.

    Below `min_confidence` a face is unsure. With `crops` a photo is a face crop already.
    """

    extractor: Extractor
    classifier: Classifier
    min_confidence: float
    crops: bool

    def __call__(self, photo: Photo) -> Result:
        """Find, crop and classify the faces of a photo; an unreadable one gives its error."""
        return self.result(photo, self.extractor(photo, crops=self.crops))

    def result(self, photo: Photo, extracted: Extracted) -> Result:
        """Classify the faces that were found in a photo."""
        path = os.fspath(photo) if isinstance(photo, str | os.PathLike) else None
        return results_of([(path, extracted, self.min_confidence)], self.classifier)[0]


def answer_each(
    photos: Sequence[Photo],
    *,
    extractor: Extractor,
    model: BundleFile,
    min_confidence: float,
    crops: bool,
) -> list[Result]:
    """What a worker process does with photos, one after the other: all that an `Answerer` does.

    Raises:
        BundleError: the model's file is not there as it was, see `classifier_of`.
    """
    answerer = Answerer(extractor, classifier_of(model), min_confidence, crops)
    return [answerer(photo) for photo in photos]


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
