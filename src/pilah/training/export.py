"""A finished run -> model.onnx, checked against Keras on real faces: calibrate, describe, write."""

import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from pilah.answers import confidence_of, likelier
from pilah.dataset.manifest import read_manifest
from pilah.errors import DataError
from pilah.evaluation.calibrate import apply_temperature, fit_temperature
from pilah.evaluation.face_heights import measure_face_heights
from pilah.evaluation.metrics import (
    best_supported,
    measure,
    min_confidence_for_error,
    risk_coverage,
)
from pilah.faces.detect import Detector
from pilah.faces.extract import Extractor
from pilah.faces.frame import fit_frame
from pilah.files import put_in_place
from pilah.models.bundle import METADATA_KEY, BundleInfo, HeightPoint, LabelCounts, PhotoCounts
from pilah.progress import note
from pilah.runs.folder import Run, check_export
from pilah.runs.recipe import Recipe, read_recipe
from pilah.training.batches import decode_crops
from pilah.training.graph_check import answers, check_parity, in_8_bits
from pilah.training.onnx_graph import add_description, add_temperature, write_float
from pilah.types import LABELS, Frame
from pilah.wording import counted

PARITY_FACES = 64
RANGE_FACES = 512
FRAME_FACES = 400
HEIGHT_PHOTOS = 2000
SUPPORT = 30
"""So many validation faces must be answered: of fewer, even none wrong promises no small error."""


Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Title:
    """What a person says of a model: its name and version, and the terms of its weights."""

    name: str
    version: str
    licence: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """What validation faces say of a graph: `p_male` without and with the temperature, (n,)."""

    labels: Array
    p_male: Array
    temperature: float
    calibrated: Array
    min_confidence: float


def export(
    folder: Path,
    to: Path,
    title: Title,
    *,
    int8: bool,
    max_error: float,
    frame_from: Path | None = None,
    frame_zoom: float = 1.0,
) -> BundleInfo:
    """Write the model bundle of a finished run.

    Frames are fitted on training faces; temperature, minimum confidence and error counts on
    validation faces. The test split is not touched.

    Args:
        folder: the run folder.
        to: the file to write.
        title: name, version and terms.
        int8: store weights and compute in 8 bits.
        max_error: the error among answered validation faces that the minimum confidence aims at.
            Where no confidence reaches it, the one with the least error that the faces support is
            taken, and said.
        frame_from: manifest whose training crops show how a face is to be cut out of a photo; None
            is the run's own, which must then all have one size.
        frame_zoom: share of that frame's sides to cut out. A model that was trained on closer crops
            too may do best with less than all of it.

    Raises:
        DataError: the run is not finished, or `to` exists.
        BundleError: the file would not answer as the Keras model does; nothing is written.
    """
    run = Run(folder)
    check_export(run, to)
    recipe = read_recipe(run.recipe)
    table = read_manifest(run.manifest)
    held_out = table[table["split"] == "validation"]
    validation = _crops(held_out["path"].tolist(), recipe.data.size_hw)
    labels = held_out["label"].map(LABELS.index).to_numpy()
    train = _shuffled(table, recipe.train.seed)
    framed = _shuffled(read_manifest(frame_from), recipe.train.seed) if frame_from else train
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=".export-") as scratch:
        graph = Path(scratch) / "float.onnx"
        model = keras.models.load_model(run.model, compile=False)
        write_float(model, graph)
        check_parity(model, graph, validation[:PARITY_FACES])
        p_male = answers(graph, validation)
        int8_cost = None
        if int8:
            faces = _crops(train[:RANGE_FACES], recipe.data.size_hw)
            graph, p_male, int8_cost = in_8_bits(graph, faces, validation, p_male, labels)
        calibration = calibrate(p_male, labels, max_error)
        add_temperature(graph, calibration.temperature)
        frame = fit_frame(map(Path, framed[:FRAME_FACES]))
        frame = replace(frame, height=frame.height * frame_zoom)
        from_photos, face_heights = _from_photos(
            held_out, graph, recipe.data.size_hw, frame, recipe.train.seed
        )
        info = replace(
            describe(title, recipe, calibration, frame, table, run.read_environment()),
            int8_cost=int8_cost,
            from_photos=from_photos,
            face_heights=face_heights,
        )
        add_description(graph, METADATA_KEY, info.to_json())
        put_in_place(graph, to)
    return info


def calibrate(p_male: Array, labels: Array, max_error: float) -> Calibration:
    """Fit the temperature and the minimum confidence on validation faces.

    Args:
        p_male: what the graph says of them, (n,).
        labels: 0 for female and 1 for male, (n,).
        max_error: the error among the answered to aim at.
    """
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
    return Calibration(labels, p_male, temperature, calibrated, min_confidence)


def describe(
    title: Title,
    recipe: Recipe,
    calibration: Calibration,
    frame: Frame,
    table: pd.DataFrame,
    environment: dict[str, Any],
) -> BundleInfo:
    """All that is known about a model beside its graph; `table` is the run's manifest."""
    labels, calibrated = calibration.labels, calibration.calibrated
    return BundleInfo(
        name=title.name,
        version=title.version,
        licence=title.licence,
        size_hw=recipe.data.size_hw,
        backbone=recipe.model.backbone,
        frame=frame,
        min_confidence=calibration.min_confidence,
        risk_coverage=risk_coverage(calibrated, labels),
        validation={
            label: _counts(calibrated[labels == index], calibration.min_confidence)
            for index, label in enumerate(LABELS)
        },
        temperature=calibration.temperature,
        ece_before=measure(calibration.p_male, labels).ece,
        ece_after=measure(calibrated, labels).ece,
        trained_on=_trained_on(table[table["split"] == "train"], recipe.model.pretrained_on),
        data_digest=environment["data_digest"],
    )


def _shuffled(table: pd.DataFrame, seed: int) -> list[str]:
    train = table[table["split"] == "train"]
    paths: list[str] = train.sample(frac=1, random_state=seed)["path"].tolist()
    return paths


def _from_photos(
    validation: pd.DataFrame, graph: Path, size_hw: tuple[int, int], frame: Frame, seed: int
) -> tuple[PhotoCounts, tuple[HeightPoint, ...]]:
    """Validation images taken as photos: found, cropped, answered, at every height of a face."""
    some = validation.sample(min(len(validation), HEIGHT_PHOTOS), random_state=seed)
    return measure_face_heights(
        some["path"].tolist(),
        some["label"].map(LABELS.index).to_numpy(),
        Extractor(size_hw, frame, Detector(), min_face=8, min_share=1),
        lambda crops: answers(graph, crops),
    )


def _crops(paths: list[str], size_hw: tuple[int, int]) -> Array:
    array = np.empty((len(paths), *size_hw, 3), np.uint8)
    decode_crops(paths, array, size_hw)
    return array


def _counts(p_male: Array, min_confidence: float) -> LabelCounts:
    clear = confidence_of(p_male) >= min_confidence
    male = int(likelier(p_male)[clear].sum())
    return LabelCounts(
        female=int(clear.sum()) - male, male=male, unsure=len(p_male) - int(clear.sum())
    )


def _trained_on(train: pd.DataFrame, pretrained_on: str) -> str:
    women = int((train["label"] == "female").sum())
    sources = Counter(train["source"]) if "source" in train.columns else Counter()
    parts = " and ".join(f"{count:,} of {source}" for source, count in sources.most_common())
    return (
        f"{len(train):,} faces{f' ({parts})' if parts else ''}, {women:,} labelled female and "
        f"{len(train) - women:,} male; pretrained on {pretrained_on or 'nothing'}"
    )
