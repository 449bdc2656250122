"""manifest.csv + recipe -> a run folder.

pixels            every face, decoded once, uint8, memory-mapped
│ trunk         the frozen layers, computed once (frozen.py)
boundary tensors
│ tail + head   trained epoch by epoch (fit.py); a checkpoint every few minutes
model.keras, scores.csv
"""

import shutil
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from pilah.dataset.manifest import check_split, describe, read_manifest
from pilah.errors import DataError, RecipeError
from pilah.files import replacing
from pilah.models import model_path
from pilah.models.bundle import open_bundle
from pilah.models.classifier import Classifier
from pilah.runs.folder import Run
from pilah.runs.recipe import Recipe
from pilah.runs.start import start_run
from pilah.runs.tables import read_history, write_scores
from pilah.training.batches import Batches, Source, Teacher, Views, decode_crops, resize
from pilah.training.fit import Lessons, fit
from pilah.training.from_bundle import recentre
from pilah.training.frozen import allocate, compute_once, cut, shared_folder
from pilah.training.network import build_network, first_trainable
from pilah.types import LABELS

RECENTRE_FACES = 256
"""How many faces show a bundle's network where its batch normalisations lie."""


def train(recipe: Recipe, manifest: Path, folder: Path, *, cache: Path | None = None) -> Run:
    """Train a network by a recipe; resume an interrupted run of the same recipe.

    Args:
        recipe: what to train and how.
        manifest: the manifest.csv that `pilah prepare` wrote.
        folder: the run folder to make or to finish.
        cache: where to keep what the frozen layers give, for further runs with the same layers and
            faces; None keeps it in the run folder until the run is finished.

    Raises:
        DataError: the manifest or the run folder is not as it must be, the disk is full, or another
            run is at work on the same part of the cache.
        WeightsError: the pretrained weights cannot be had.
        RecipeError: the recipe needs a GPU script, or it keeps nothing of frozen layers and `cache`
            is given.
        BundleError, PilahError: there is no such teacher.
    """
    if recipe.train.other_labels:
        raise RecipeError(
            f"other_labels = {recipe.train.other_labels:g}; `pilah train` learns no other labels: "
            "set it to 0, or train with studies/on_gpu"
        )
    table = read_manifest(manifest)
    kept = table[table["split"] != ""].reset_index(drop=True)
    splits = {name: np.flatnonzero(kept["split"] == name) for name in ("train", "validation")}
    for name in splits:
        check_split(kept, name, manifest)
    weights = _weights(kept, manifest)

    started = time.monotonic()
    # Both made before the folder is, so that missing weights leave nothing behind
    teacher = _teacher(recipe)
    keras.utils.set_random_seed(recipe.train.seed)
    keras.config.set_dtype_policy(recipe.train.precision)
    try:
        model = build_network(recipe)
    finally:
        keras.config.set_dtype_policy("float32")
    if cache is not None and not _keeps_frozen(model, recipe):
        raise RecipeError(
            f"the recipe {recipe.name} computes no frozen layers once, so --cache has no effect; "
            "leave it out"
        )
    run = start_run(folder, recipe, manifest, describe(table))

    flips = splits["train"] if "flip" in recipe.train.augment else splits["train"][:0]
    pixels = _pixels(run, kept, recipe)
    views = Views(pixels, flips, recipe.data.size_hw)
    if recipe.model.starts_from_bundle:
        random = np.random.default_rng(recipe.train.seed)
        some = random.permutation(splits["train"])[:RECENTRE_FACES]
        recentre(model, views.take(some)[0].astype(np.float32))
    source, learner = _learner(model, views, recipe, run.checkpoint, cache)
    full_size = source if source is not views else Views(pixels, flips)
    targets = np.eye(2, dtype=np.float32)[kept["label"].map(LABELS.index).to_numpy()]
    size_hw = recipe.data.size_hw
    lessons = Lessons(full_size, source, splits, targets, size_hw, weights, teacher)
    fit(run, learner, lessons, recipe.train)

    run.write_environment({"seconds_last_start": time.monotonic() - started})
    held_out = np.flatnonzero(kept["split"] != "train")
    finish(run, model, kept.loc[held_out], views, held_out, recipe)
    shutil.rmtree(run.checkpoint)
    return run


def finish(
    run: Run,
    model: keras.Model,
    held_out: pd.DataFrame,
    source: Source,
    items: np.ndarray[Any, Any],
    recipe: Recipe,
) -> None:
    """Write what makes a run a finished one: the model, and its scores of faces it never saw.

    Args:
        run: the run, whose history stands.
        model: the trained network, not mirrored yet.
        held_out: the manifest's rows of validation and test.
        source: where their faces come from.
        items: their numbers there.
        recipe: how it was trained.
    """
    model = _finished(model, recipe)
    none = np.zeros((len(items), 2), np.float32)
    p_male = model.predict(Batches(source, items, none, batch_size=64), verbose=0)[:, 1]
    scores = held_out[["path", "split", "label"]].assign(p_male=[f"{p:.9g}" for p in p_male])
    run.write_environment(
        {
            "parameters": int(model.count_params()),
            "trainable_parameters": sum(int(np.prod(w.shape)) for w in model.trainable_weights),
            "seconds": float(read_history(run)["seconds"].sum()),
        }
    )
    _save(run, model, scores)


def _weights(kept: pd.DataFrame, manifest: Path) -> np.ndarray[Any, Any] | None:
    """How much each face counts, where the manifest has a column `weight`."""
    if "weight" not in kept:
        return None
    weights = pd.to_numeric(kept["weight"], errors="coerce").to_numpy(dtype=np.float32)
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        row = kept.loc[wrong].iloc[0]
        raise DataError(
            f"{manifest} has the weight {row['weight']!r} for {row['path']}; a weight is a number "
            "from 0 up: correct it, or take the column out"
        )
    if not weights[kept["split"] == "train"].any():
        raise DataError(f"{manifest} has the weight 0 for every image of train; correct the column")
    return weights


def _teacher(recipe: Recipe) -> Teacher | None:
    if not recipe.train.teacher:
        return None
    # One thread, beside the network that learns
    bundle = open_bundle(model_path(recipe.train.teacher), threads=1)
    classifier = Classifier(bundle)

    def answer(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        p_male = classifier.p_male(resize(images, bundle.info.size_hw))
        return np.stack([1 - p_male, p_male], axis=1)

    return answer


def _pixels(run: Run, kept: pd.DataFrame, recipe: Recipe) -> np.ndarray[Any, Any]:
    path = run.checkpoint / "pixels.npy"
    if not path.is_file():
        path.parent.mkdir(exist_ok=True)
        with replacing(path) as draft:
            array = allocate(draft, (len(kept), *recipe.stored_hw, 3), "uint8")
            decode_crops(kept["path"].tolist(), array, recipe.stored_hw)
            array.flush()
    return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]


def _keeps_frozen(model: keras.Model, recipe: Recipe) -> bool:
    return recipe.train.cache and first_trainable(model, recipe) > 0


def _learner(
    model: keras.Model, pixels: Views, recipe: Recipe, scratch: Path, cache: Path | None
) -> tuple[Source, keras.Model]:
    """What is trained, and what it is fed from: the tail on its boundary, or all on pixels."""
    if not _keeps_frozen(model, recipe):
        return pixels, model
    parts = cut(model, first_trainable(model, recipe))
    with ExitStack() as stack:
        if cache is not None:
            shared = shared_folder(cache, parts.trunk, pixels, recipe.train.cache_precision)
            scratch = stack.enter_context(shared)
        boundary = compute_once(
            parts.trunk,
            pixels,
            scratch,
            precision=recipe.train.cache_precision,
            batch_size=recipe.train.batch_size,
        )
    return boundary, parts.tail


def _finished(model: keras.Model, recipe: Recipe) -> keras.Model:
    """The model to keep: in float32, whatever it was trained in, and mirrored if so asked."""
    if recipe.train.precision == "float32" and not recipe.model.mirror:
        return model
    finished = build_network(recipe.with_pretrained("none", ""), mirrored=recipe.model.mirror)
    finished.set_weights(model.get_weights())
    return finished


def _save(run: Run, model: keras.Model, scores: pd.DataFrame) -> None:
    """Write the model, then the scores, which say that the run is finished."""
    with replacing(run.model) as draft:
        model.save(draft)
    write_scores(run, scores)
