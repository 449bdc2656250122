"""A finished run -> model.onnx, checked against Keras on real faces."""

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from pilah.dataset.manifest import read_manifest
from pilah.errors import BundleError, DataError
from pilah.evaluation.calibrate import apply_temperature, fit_temperature
from pilah.evaluation.face_heights import measure_face_heights
from pilah.evaluation.metrics import measure, risk_coverage, threshold_for_error
from pilah.faces.detect import Detector
from pilah.faces.extract import Extractor
from pilah.faces.frame import fit_frame
from pilah.files import put_in_place
from pilah.models.bundle import METADATA_KEY, BundleInfo, HeightPoint, LabelCounts, PhotoCounts
from pilah.models.classifier import confidence_of, likelier
from pilah.runs.folder import Run
from pilah.runs.recipe import read_recipe
from pilah.runtime import open_session
from pilah.training.batches import decode_crops
from pilah.training.onnx_graph import add_description, add_temperature, write_float, write_int8
from pilah.types import LABELS, Frame

PARITY = 1e-4
"""How far a probability of the float graph may lie from Keras'."""
PARITY_FACES = 64
INT8_COST = 0.002
"""The share of validation answers that int8 may change for the worse."""
FLOAT_CONVOLUTIONS = (0, 14)
"""How many of the first convolutions may stay in float: tried in this order.

Their values range the widest; of EfficientNet-Lite0's, 8 bits leave too little."""
RANGE_FACES = 512
FRAME_FACES = 400
HEIGHT_PHOTOS = 2000


def export(
    folder: Path,
    to: Path,
    *,
    name: str,
    version: str,
    licence: str,
    int8: bool,
    max_error: float,
    frame_from: Path | None = None,
    frame_zoom: float = 1.0,
) -> BundleInfo:
    """Write the model bundle of a finished run.

    Frames are fitted on training faces; temperature, thresholds and error counts on validation
    faces. The test split is not touched.

    Args:
        folder: the run folder.
        to: the file to write.
        name: the model's name.
        version: the model's version.
        licence: the terms under which the weights may be used.
        int8: store weights and compute in 8 bits.
        max_error: the error among answered validation faces that the default threshold aims at.
        frame_from: manifest whose training crops show how a face is to be cut out of a photo; None
            is the run's own, which must then all have one size.
        frame_zoom: share of that frame's sides to cut out. A model that was trained on closer crops
            too may do best with less than all of it.

    Raises:
        DataError: the run is not finished, or `to` exists.
        BundleError: the file would not answer as the Keras model does; nothing is written.
    """
    run = Run(folder)
    if not run.finished:
        raise DataError(
            f"{folder} is not a finished run; run the same `pilah train` command again to finish it"
        )
    if to.exists():
        raise DataError(f"{to} exists; name another file with --to, or move it away first")
    recipe = read_recipe(run.recipe)
    table = read_manifest(run.manifest)
    parts = {split: table[table["split"] == split] for split in ("train", "validation")}
    train = _shuffled(table, recipe.train.seed)
    framed = _shuffled(read_manifest(frame_from), recipe.train.seed) if frame_from else train
    validation = _crops(parts["validation"]["path"].tolist(), recipe.data.size_hw)
    model = keras.models.load_model(run.model, compile=False)
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=".export-") as scratch:
        graph = Path(scratch) / "float.onnx"
        write_float(model, graph)
        _check_parity(model, graph, validation[:PARITY_FACES])
        labels = parts["validation"]["label"].map(LABELS.index).to_numpy()
        p_male = _p_male(graph, validation)
        int8_cost = None
        if int8:
            faces = _crops(train[:RANGE_FACES], recipe.data.size_hw)
            graph, p_male, int8_cost = _in_8_bits(graph, faces, validation, p_male, labels)
        temperature = fit_temperature(p_male, labels)
        add_temperature(graph, temperature)
        calibrated = apply_temperature(p_male, temperature)
        min_confidence = threshold_for_error(calibrated, labels, max_error)
        frame = fit_frame(map(Path, framed[:FRAME_FACES]))
        frame = replace(frame, height=frame.height * frame_zoom)
        environment = run.read_environment()
        from_photos, face_heights = _from_photos(
            parts["validation"], graph, recipe.data.size_hw, frame, recipe.train.seed
        )
        info = BundleInfo(
            name=name,
            version=version,
            size_hw=recipe.data.size_hw,
            backbone=recipe.model.backbone,
            frame=frame,
            min_confidence=min_confidence,
            risk_coverage=risk_coverage(calibrated, labels),
            validation={
                label: _counts(calibrated[labels == index], min_confidence)
                for index, label in enumerate(LABELS)
            },
            temperature=temperature,
            ece_before=measure(p_male, labels).ece,
            ece_after=measure(calibrated, labels).ece,
            int8_cost=int8_cost,
            from_photos=from_photos,
            face_heights=face_heights,
            trained_on=_describe(parts["train"], recipe.model.pretrained_on),
            data_digest=environment["data_digest"],
            licence=licence,
        )
        add_description(graph, METADATA_KEY, info.to_json())
        put_in_place(graph, to)
    return info


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
        lambda crops: _p_male(graph, crops),
    )


def _crops(paths: list[str], size_hw: tuple[int, int]) -> np.ndarray[Any, Any]:
    array = np.empty((len(paths), *size_hw, 3), np.uint8)
    decode_crops(paths, array, size_hw)
    return array


def _p_male(graph: Path, crops: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    session = open_session(graph)
    parts = np.array_split(crops, -(-len(crops) // 32))
    answers = [session.run(["probabilities"], {"image": part})[0][:, 1] for part in parts]
    return np.concatenate(answers).astype(np.float64)


def _check_parity(model: keras.Model, graph: Path, crops: np.ndarray[Any, Any]) -> None:
    expected = model.predict(crops.astype(np.float32), verbose=0)[:, 1]
    gap = float(np.abs(expected - _p_male(graph, crops)).max())
    if gap > PARITY:
        raise BundleError(
            f"the exported graph differs from Keras by {gap:.1e} on real faces, more than "
            f"{PARITY:.0e}; nothing was written; try other versions of tf2onnx and onnxruntime"
        )


def _in_8_bits(
    graph: Path,
    faces: np.ndarray[Any, Any],
    validation: np.ndarray[Any, Any],
    p_float: np.ndarray[Any, Any],
    labels: np.ndarray[Any, Any],
) -> tuple[Path, np.ndarray[Any, Any], float]:
    """As much of the graph in 8 bits as accuracy allows, its validation answers, and the cost."""
    small = graph.with_name("int8.onnx")
    lost = []
    for kept in FLOAT_CONVOLUTIONS:
        write_int8(graph, small, faces, float_convolutions=kept)
        p_male = _p_male(small, validation)
        lost.append(_accuracy(p_float, labels) - _accuracy(p_male, labels))
        if lost[-1] <= INT8_COST:
            return small, p_male, lost[-1]
    raise BundleError(
        f"int8 costs {100 * min(lost):.2f} points of validation accuracy, more than "
        f"{100 * INT8_COST:.1f}; nothing was written; export without --int8"
    )


def _accuracy(p_male: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> float:
    return float((likelier(p_male) == labels).mean())


def _counts(p_male: np.ndarray[Any, Any], min_confidence: float) -> LabelCounts:
    clear = confidence_of(p_male) >= min_confidence
    male = int(likelier(p_male)[clear].sum())
    return LabelCounts(
        female=int(clear.sum()) - male, male=male, unsure=len(p_male) - int(clear.sum())
    )


def _describe(train: pd.DataFrame, pretrained_on: str) -> str:
    women = int((train["label"] == "female").sum())
    sources = Counter(train["source"]) if "source" in train.columns else Counter()
    parts = " and ".join(f"{count:,} of {source}" for source, count in sources.most_common())
    return (
        f"{len(train):,} faces{f' ({parts})' if parts else ''}, {women:,} labelled female and "
        f"{len(train) - women:,} male; pretrained on {pretrained_on or 'nothing'}"
    )
