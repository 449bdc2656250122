"""A finished run -> model.onnx, checked against Keras on real faces: calibrate, describe, write."""

import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from pilah.dataset.manifest import read_manifest
from pilah.errors import BundleError, DataError
from pilah.evaluation.calibrate import apply_temperature, fit_temperature
from pilah.evaluation.metrics import (
    best_supported,
    measure,
    min_confidence_for_error,
    risk_coverage,
)
from pilah.files import put_in_place
from pilah.fitting import fit_frames
from pilah.models.bundle import METADATA_KEY, BundleInfo, LabelCounts
from pilah.models.classifier import confidence_of, likelier
from pilah.progress import note
from pilah.runs.folder import Run, check_export
from pilah.runs.recipe import Recipe, read_recipe
from pilah.runtime import open_session
from pilah.training.batches import decode_crops
from pilah.training.onnx_graph import add_description, add_temperature, write_float, write_int8
from pilah.types import LABELS, Frame
from pilah.wording import counted

PARITY = 1e-4
"""How far a probability of the float graph may lie from Keras'."""
PARITY_FACES = 64
INT8_COST = 0.002
"""The share of validation answers that int8 may change for the worse; one answer always."""
FLOAT_CONVOLUTIONS = (0, 14)
"""How many of the first convolutions may stay in float: tried in this order.

Their values range the widest; of EfficientNet-Lite0's, 8 bits leave too little."""
RANGE_FACES = 512
FRAME_FACES = 400
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
        _check_parity(model, graph, validation[:PARITY_FACES])
        p_male = _p_male(graph, validation)
        int8_cost = None
        if int8:
            faces = _crops(train[:RANGE_FACES], recipe.data.size_hw)
            graph, p_male, int8_cost = _in_8_bits(graph, faces, validation, p_male, labels)
        calibration = calibrate(p_male, labels, max_error)
        info = describe(
            title, recipe, calibration, _frames(framed, frame_zoom), table, run.read_environment()
        )
        write(graph, replace(info, int8_cost=int8_cost), to)
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
    frames: dict[str, Frame],
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
        frames=frames,
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


def write(graph: Path, info: BundleInfo, to: Path) -> None:
    """Put temperature and description into a graph, and the file in its place."""
    add_temperature(graph, info.temperature)
    add_description(graph, METADATA_KEY, info.to_json())
    put_in_place(graph, to)


def _frames(crop_paths: list[str], zoom: float) -> dict[str, Frame]:
    """How a face is cut out of a photo, by the detector that found it."""
    return {
        detector: replace(frame, height=frame.height * zoom)
        for detector, frame in fit_frames(map(Path, crop_paths[:FRAME_FACES])).items()
    }


def _shuffled(table: pd.DataFrame, seed: int) -> list[str]:
    train = table[table["split"] == "train"]
    paths: list[str] = train.sample(frac=1, random_state=seed)["path"].tolist()
    return paths


def _crops(paths: list[str], size_hw: tuple[int, int]) -> Array:
    array = np.empty((len(paths), *size_hw, 3), np.uint8)
    decode_crops(paths, array, size_hw)
    return array


def _p_male(graph: Path, crops: Array) -> Array:
    session = open_session(graph)
    parts = np.array_split(crops, -(-len(crops) // 32))
    answers = [session.run(["probabilities"], {"image": part})[0][:, 1] for part in parts]
    return np.concatenate(answers).astype(np.float64)


def _check_parity(model: keras.Model, graph: Path, crops: Array) -> None:
    expected = model.predict(crops.astype(np.float32), verbose=0)[:, 1]
    gap = float(np.abs(expected - _p_male(graph, crops)).max())
    if gap > PARITY:
        raise BundleError(
            f"the exported graph differs from Keras by {gap:.1e} on real faces, more than "
            f"{PARITY:.0e}; nothing was written; try other versions of tf2onnx and onnxruntime"
        )


def _in_8_bits(
    graph: Path,
    faces: Array,
    validation: Array,
    p_float: Array,
    labels: Array,
) -> tuple[Path, Array, float]:
    """As much of the graph in 8 bits as accuracy allows, its validation answers, and the cost."""
    small = graph.with_name("int8.onnx")
    allowed = max(INT8_COST, 1.01 / len(labels))
    lost = []
    for kept in FLOAT_CONVOLUTIONS:
        write_int8(graph, small, faces, float_convolutions=kept)
        p_male = _p_male(small, validation)
        lost.append(_accuracy(p_float, labels) - _accuracy(p_male, labels))
        if lost[-1] <= allowed:
            return small, p_male, lost[-1]
    raise BundleError(
        f"int8 costs {100 * min(lost):.2f} points of validation accuracy, more than "
        f"{100 * allowed:.1f}; nothing was written; export without --int8"
    )


def _accuracy(p_male: Array, labels: Array) -> float:
    return float((likelier(p_male) == labels).mean())


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
