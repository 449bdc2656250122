"""What validation photos say of a graph: how sure it may be, and when it looks twice.

The photos take the path that a user's take: the face is found, cropped and answered. Where they
come from several sources, each gives the same number, so that none dominates.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pilah.answers import confidence_of, likelier
from pilah.errors import DataError
from pilah.evaluation.calibrate import apply_temperature, fit_temperature
from pilah.evaluation.face_heights import measure_face_heights
from pilah.evaluation.metrics import (
    Floats,
    Ints,
    best_supported,
    measure,
    min_confidence_for_error,
    risk_coverage,
)
from pilah.evaluation.second_look import answers_of_looks, choose_second_look
from pilah.faces.detect import Detector
from pilah.faces.extract import Extractor
from pilah.models.bundle import METADATA_KEY, BundleInfo, LabelCounts, open_bundle
from pilah.models.classifier import Classifier
from pilah.progress import note, tracked
from pilah.training.graph_check import answers
from pilah.training.onnx_graph import add_description, add_temperature
from pilah.types import LABELS
from pilah.wording import counted

HEIGHT_PHOTOS = 2000
FEWEST_OF_A_SOURCE = 500
"""A source with fewer photos does not take the others down to its number."""
SUPPORT = 30
"""So many validation faces must be answered: of fewer, even none wrong promises no small error."""
BATCH = 256


@dataclass(frozen=True, slots=True)
class Looks:
    """What a graph says of faces, and of their mirror images: P(male), shape (n,), and `labels`.

    `mirrored` is None where a graph is to look once.
    """

    labels: Ints
    first: Floats
    mirrored: Floats | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """What follows from `Looks`: the answers `p_male` without and with the temperature, (n,).

    `second_look` is a confidence of the first look with the temperature, see `BundleInfo`.
    """

    labels: Ints
    second_look: float | None
    p_male: Floats
    temperature: float
    calibrated: Floats
    min_confidence: float


def calibrate_graph(
    graph: Path,
    info: BundleInfo,
    photos: pd.DataFrame,
    *,
    max_error: float,
    mirror: bool,
    seed: int,
) -> BundleInfo:
    """Put the temperature into a graph, and all that validation photos say of it beside it.

    Args:
        graph: an ONNX file without a temperature; it is changed.
        info: what is known of it without validation.
        photos: validation photos: `path`, `label`, and `source` where there are several.
        max_error: the error among answered faces that the minimum confidence aims at. Where no
            confidence reaches it, the one with the least error that the faces support is taken,
            and said.
        mirror: the mirror image may be looked at too.
        seed: of the photos that are drawn.

    Returns:
        `info` with what was found, as it now stands in the file.

    Raises:
        DataError: a photo cannot be read, or of one label no face was found.
    """
    photos = _evenly(photos, seed)
    extractor = Extractor(info.size_hw, info.frame, Detector(), min_face=8, min_share=1)
    found = calibrate(
        _look(photos, extractor, lambda crops: answers(graph, crops), mirror=mirror), max_error
    )
    add_temperature(graph, found.temperature)
    info = replace(
        info,
        min_confidence=found.min_confidence,
        second_look=found.second_look,
        risk_coverage=risk_coverage(found.calibrated, found.labels),
        validation={
            label: _counts(found.calibrated[found.labels == index], found.min_confidence)
            for index, label in enumerate(LABELS)
        },
        temperature=found.temperature,
        ece_before=measure(found.p_male, found.labels).ece,
        ece_after=measure(found.calibrated, found.labels).ece,
        face_heights=(),
    )
    add_description(graph, METADATA_KEY, info.to_json())
    some = photos.sample(min(len(photos), HEIGHT_PHOTOS), random_state=seed)
    counts, points = measure_face_heights(
        some["path"].tolist(),
        _labels(some),
        extractor,
        Classifier(open_bundle(graph)).p_male,
    )
    info = replace(info, from_photos=counts, face_heights=points)
    add_description(graph, METADATA_KEY, info.to_json())
    return info


def calibrate(looks: Looks, max_error: float) -> Calibration:
    """Choose when to look twice, the temperature and the minimum confidence, in this order."""
    labels, p_male, below = looks.labels, looks.first, None
    if looks.mirrored is not None:
        below = choose_second_look(looks.first, looks.mirrored, labels)
        p_male = answers_of_looks(looks.first, looks.mirrored, below)
    temperature = fit_temperature(p_male, labels)
    calibrated = apply_temperature(p_male, temperature)
    try:
        min_confidence = min_confidence_for_error(calibrated, labels, max_error)
        answered = int((confidence_of(calibrated) >= min_confidence).sum())
    except DataError:
        answered = 0
    if answered < SUPPORT:
        best = best_supported(calibrated, labels)
        min_confidence = best.min_confidence
        note(
            f"The {counted(len(labels), 'validation face')} do not support an error of "
            f"{max_error:.1%} at any minimum confidence. Using {min_confidence:.1%}: of the "
            f"{counted(round(best.coverage * len(labels)), 'face')} answered from there, "
            f"{best.error:.1%} are wrong. More validation faces or another --max-error may help."
        )
    second_look = None
    if below is not None:
        second_look = float(apply_temperature(np.array([below]), temperature)[0])
    return Calibration(labels, second_look, p_male, temperature, calibrated, min_confidence)


def _evenly(photos: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same number of photos from each source."""
    if "source" not in photos:
        return photos
    sources = [part for _, part in photos.groupby("source")]
    most = max(FEWEST_OF_A_SOURCE, min(map(len, sources)))
    return pd.concat([part.sample(min(len(part), most), random_state=seed) for part in sources])


def _look(
    photos: pd.DataFrame,
    extractor: Extractor,
    p_male_of: Callable[[np.ndarray[Any, Any]], Floats],
    *,
    mirror: bool,
) -> Looks:
    """Find the largest face of each photo, and look at it and at its mirror image."""
    labels: list[int] = []
    looks: list[Floats] = []
    crops: list[np.ndarray[Any, Any]] = []
    pairs = list(zip(photos["path"], _labels(photos).tolist(), strict=True))
    for number, (path, label) in enumerate(tracked(pairs, "Looking at photos", total=len(pairs))):
        extracted = extractor(path, crops=False)
        if extracted.error:
            raise DataError(
                f"the validation photo {path} cannot be read ({extracted.error}); restore it"
            )
        if len(extracted.crops):
            crops.append(extracted.crops[0])
            labels.append(label)
        if crops and (len(crops) == BATCH or number == len(pairs) - 1):
            seen = np.stack(crops)
            sides = (seen, seen[:, :, ::-1]) if mirror else (seen,)
            looks.append(np.stack([p_male_of(side) for side in sides]))
            crops = []
    for index, label in enumerate(LABELS):
        if index not in labels:
            raise DataError(
                f"no face was found in validation photos with the label {label}; calibration needs "
                "photos of both labels that show a face"
            )
    found = np.concatenate(looks, axis=1)
    return Looks(np.array(labels), found[0], found[1] if mirror else None)


def _labels(photos: pd.DataFrame) -> Ints:
    labels: Ints = photos["label"].map(LABELS.index).to_numpy()
    return labels


def _counts(p_male: Floats, min_confidence: float) -> LabelCounts:
    clear = confidence_of(p_male) >= min_confidence
    male = int(likelier(p_male)[clear].sum())
    return LabelCounts(
        female=int(clear.sum()) - male, male=male, unsure=len(p_male) - int(clear.sum())
    )
