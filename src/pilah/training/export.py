"""A finished run -> model.onnx, checked against Keras on real faces: describe, calibrate, write."""

import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from pilah.dataset.faces import FRAME, SIZE_HW
from pilah.dataset.manifest import check_split, cut_out_of, read_manifest
from pilah.errors import DataError
from pilah.faces.frame import fit_frame
from pilah.faces.picture import Picture
from pilah.files import put_in_place, scratch_folder, shortened
from pilah.models.bundle import BundleInfo
from pilah.runs.folder import Run, check_export
from pilah.runs.recipe import Recipe, read_recipe
from pilah.training.batches import decode_crops
from pilah.training.calibration import calibrate_graph
from pilah.training.graph_check import check_parity, in_8_bits
from pilah.training.network import build_network
from pilah.training.onnx_graph import write_float
from pilah.types import LABELS, Frame

PARITY_FACES = 64
RANGE_FACES = 512
FRAME_FACES = 400

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Title:
    """What a person says of a model: its name and version, and the terms of its weights."""

    name: str
    version: str
    licence: str


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

    Frames are fitted on training faces. All that is measured, is on validation photos, from which
    faces are found and cropped as in use; of ready crops, these are the photos. The test split is
    not touched.

    Args:
        folder: the run folder.
        to: the file to write.
        title: name, version and terms.
        int8: store weights and compute in 8 bits.
        max_error: the error that the minimum confidence aims at, see `calibrate_graph`.
        frame_from: manifest whose training crops show how a face is to be cut out of a photo; None
            is the run's own. They have one size and lie about equally close to the face, unless
            `pilah prepare` cut them all out of photos.
        frame_zoom: share of that frame's sides to cut out. A model that was trained on closer crops
            too may do best with less than all of it.

    Raises:
        DataError: the run is not finished, `to` exists, the crops show no frame, or validation
            lacks photos or a label.
        BundleError: the file would not answer as the Keras model does; nothing is written.
    """
    run = Run(folder)
    check_export(run, to)
    recipe = read_recipe(run.recipe)
    table = read_manifest(run.manifest)
    check_split(table, "validation", run.manifest)
    held_out = table[table["split"] == "validation"]
    photos = _photos(held_out, run.manifest)
    validation = _crops(held_out["path"].tolist(), recipe.data.size_hw)
    labels = held_out["label"].map(LABELS.index).to_numpy()
    train = _shuffled(table, recipe.train.seed)["path"].tolist()
    data_digest = run.data_digest
    # before the graph is written, which takes longer: here a manifest may be refused
    frame = _frame(frame_from or run.manifest, recipe)
    frame = replace(frame, height=frame.height * frame_zoom)
    to.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(to.with_name(shortened(f".export-{to.name}", ""))) as scratch:
        graph = scratch / "float.onnx"
        model = _one_look(keras.models.load_model(run.model, compile=False), recipe)
        write_float(model, graph)
        check_parity(model, graph, validation[:PARITY_FACES])
        int8_cost = None
        if int8:
            faces = _crops(train[:RANGE_FACES], recipe.data.size_hw)
            graph, int8_cost = in_8_bits(graph, faces, validation, labels)
        info = describe(title, recipe, frame, table, data_digest)
        info = calibrate_graph(
            graph,
            replace(info, int8_cost=int8_cost),
            photos,
            max_error=max_error,
            mirror=recipe.model.mirror,
            seed=recipe.train.seed,
        )
        put_in_place(graph, to)
    return info


def describe(
    title: Title, recipe: Recipe, frame: Frame, table: pd.DataFrame, data_digest: str
) -> BundleInfo:
    """All that is known about a model without validation; `table` is the run's manifest."""
    return BundleInfo(
        name=title.name,
        version=title.version,
        licence=title.licence,
        size_hw=recipe.data.size_hw,
        backbone=recipe.model.backbone,
        frame=frame,
        min_confidence=0.5,
        risk_coverage=(),
        validation={},
        temperature=1.0,
        trained_on=_trained_on(table[table["split"] == "train"], recipe.model.pretrained_on),
        data_digest=data_digest,
    )


def _one_look(model: keras.Model, recipe: Recipe) -> keras.Model:
    """The same network without the mirror image, which only some faces need (`calibrate_graph`)."""
    if not recipe.model.mirror:
        return model
    plain = build_network(recipe.with_pretrained("none", ""))
    plain.set_weights(model.get_weights())
    return plain


def _photos(held_out: pd.DataFrame, manifest: Path) -> pd.DataFrame:
    """The photos that validation faces were cut out of, or the faces where there are none."""
    paths = cut_out_of(held_out).where(lambda photos: photos != "", held_out["path"])
    _check_there(paths, "validation photos", manifest)
    return held_out.assign(path=paths)


def _check_there(paths: "pd.Series[str]", what: str, manifest: Path) -> None:
    """Refuse to measure on the files that happen to be left."""
    missing = [path for path in paths if not os.path.isfile(path)]
    if missing:
        raise DataError(
            f"{len(missing):,} of {len(paths):,} {what} are missing, such as {missing[0]}; put "
            f"them back, or correct their paths in {manifest}"
        )


def _frame(manifest: Path, recipe: Recipe) -> Frame:
    """The frame that the training crops of a manifest show."""
    table = read_manifest(manifest)
    check_split(table, "train", manifest)
    crops = _shuffled(table, recipe.train.seed)[:FRAME_FACES]
    _check_there(crops["path"], "crops that show the frame", manifest)
    paths = [Path(path) for path in crops["path"]]
    # A table of the user's own crops may have a column `photo` too; `pilah prepare` cuts one size
    cut = (cut_out_of(crops) != "").all() and Picture(paths[0]).size_hw == SIZE_HW
    return fit_frame(paths, recipe.data.size_hw, cut_with=FRAME if cut else None)


def _shuffled(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    return table[table["split"] == "train"].sample(frac=1, random_state=seed)


def _crops(paths: list[str], size_hw: tuple[int, int]) -> Array:
    array = np.empty((len(paths), *size_hw, 3), np.uint8)
    decode_crops(paths, array, size_hw)
    return array


def _trained_on(train: pd.DataFrame, pretrained_on: str) -> str:
    women = int((train["label"] == "female").sum())
    sources = Counter(train["source"]) if "source" in train.columns else Counter()
    parts = " and ".join(f"{count:,} of {source}" for source, count in sources.most_common())
    return (
        f"{len(train):,} faces{f' ({parts})' if parts else ''}, {women:,} labelled female and "
        f"{len(train) - women:,} male; pretrained on {pretrained_on or 'nothing'}"
    )
