"""manifest.csv + recipe -> a run folder.

pixels            every face, decoded once, uint8, memory-mapped
│ trunk         the frozen layers, computed once (frozen.py)
boundary tensors
│ tail + head   trained epoch by epoch; a checkpoint after each
model.keras, scores.csv
"""

import shutil
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from pilah.dataset.manifest import digest, read_manifest
from pilah.errors import DataError
from pilah.training.batches import Batches, Source, Views, decode_crops, epoch_items
from pilah.training.frozen import allocate, compute_once, cut
from pilah.training.network import build_network, first_trainable
from pilah.training.recipe import Recipe
from pilah.training.run import Run, open_run, read_history, write_environment, write_history
from pilah.types import LABELS


def train(recipe: Recipe, manifest: Path, folder: Path) -> Run:
    """Train a network by a recipe; go on where an interrupted run of the same recipe stopped.

    Args:
        recipe: what to train and how.
        manifest: the manifest.csv that `pilah prepare` wrote.
        folder: the run folder to make or to finish.

    Raises:
        DataError: the manifest or the run folder is not as it must be, or the disk is full.
        WeightsError: the pretrained weights cannot be had.
    """
    table = read_manifest(manifest)
    kept = table[table["split"] != ""].reset_index(drop=True)
    splits = {name: np.flatnonzero(kept["split"] == name) for name in ("train", "validation")}
    for name, rows in splits.items():
        if len(rows) == 0:
            raise DataError(
                f"{manifest} has no {name} images; run `pilah prepare` with other --fractions"
            )

    started = time.monotonic()
    # Built before the folder is, so that missing weights leave nothing behind
    keras.utils.set_random_seed(recipe.train.seed)
    keras.config.set_dtype_policy(recipe.train.precision)
    try:
        model = build_network(recipe)
    finally:
        keras.config.set_dtype_policy("float32")
    run = open_run(folder, recipe, manifest, digest(table))

    flips = splits["train"] if "flip" in recipe.train.augment else splits["train"][:0]
    pixels = Views(_pixels(run, kept, recipe), flips)
    source, learner = _learner(run, model, pixels, recipe)
    targets = np.eye(2, dtype=np.float32)[kept["label"].map(LABELS.index).to_numpy()]
    _fit(run, learner, source, splits, targets, recipe)

    p_male = learner.predict(
        Batches(source, np.arange(len(kept)), targets, batch_size=64), verbose=0
    )[:, 1]
    scores = kept[["path", "split", "label"]].assign(p_male=[f"{p:.9g}" for p in p_male])
    write_environment(
        run,
        {
            "parameters": int(model.count_params()),
            "trainable_parameters": sum(int(np.prod(w.shape)) for w in model.trainable_weights),
            "seconds": float(read_history(run)["seconds"].sum()),
            "seconds_last_start": time.monotonic() - started,
        },
    )
    _finish(run, model, scores, recipe)
    return run


def _pixels(run: Run, kept: pd.DataFrame, recipe: Recipe) -> np.ndarray[Any, Any]:
    path = run.checkpoint / "pixels.npy"
    if not path.is_file():
        path.parent.mkdir(exist_ok=True)
        partial = path.with_suffix(".partial")
        array = allocate(partial, (len(kept), *recipe.data.size_hw, 3), "uint8")
        decode_crops(kept["path"].tolist(), array, recipe.data.size_hw)
        array.flush()
        partial.replace(path)
    return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]


def _learner(
    run: Run, model: keras.Model, pixels: Views, recipe: Recipe
) -> tuple[Source, keras.Model]:
    """What is trained, and what it is fed from: the tail on its boundary, or all on pixels."""
    first = first_trainable(model, recipe)
    if first == 0 or not recipe.train.cache:
        return pixels, model
    parts = cut(model, first)
    boundary = compute_once(
        parts.trunk,
        pixels,
        run.checkpoint,
        precision=recipe.train.cache_precision,
        batch_size=recipe.train.batch_size,
    )
    return boundary, parts.tail


def _fit(
    run: Run,
    learner: keras.Model,
    source: Source,
    splits: dict[str, np.ndarray[Any, Any]],
    targets: np.ndarray[Any, Any],
    recipe: Recipe,
) -> None:
    settings = recipe.train
    rows = splits["train"]
    steps = -(-len(rows) // settings.batch_size)
    learner.compile(
        optimizer=_optimizer(recipe, steps),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing),
        metrics=["accuracy"],
    )
    learner.optimizer.build(learner.trainable_variables)
    history = read_history(run)
    latest = run.checkpoint / "latest.weights.h5"
    best = run.checkpoint / "best.weights.h5"
    if len(history):
        learner.load_weights(latest)

    validation = Batches(source, splits["validation"], targets[splits["validation"]], batch_size=64)
    first_mirrored = int(targets.shape[0]) if "flip" in settings.augment else None
    tensorboard = keras.callbacks.TensorBoard(run.tensorboard, write_graph=False)
    for epoch in range(len(history), settings.epochs):
        if settings.early_stopping and _epochs_since_best(history) >= settings.early_stopping:
            break
        began = time.monotonic()
        shuffled, items = epoch_items(
            rows, first_mirrored=first_mirrored, seed=settings.seed, epoch=epoch
        )
        zoom = (
            np.random.default_rng((settings.seed, epoch, 1)) if "zoom" in settings.augment else None
        )
        log = learner.fit(
            Batches(source, items, targets[shuffled], batch_size=settings.batch_size, zoom=zoom),
            validation_data=validation,
            initial_epoch=epoch,
            epochs=epoch + 1,
            shuffle=False,
            callbacks=[tensorboard],
        ).history
        row = {
            "epoch": epoch + 1,
            **{key: log[key][0] for key in ("loss", "accuracy", "val_loss", "val_accuracy")},
            "learning_rate": float(learner.optimizer.learning_rate),
            "seconds": time.monotonic() - began,
        }
        history = pd.concat(
            [history, pd.DataFrame([row])] if len(history) else [pd.DataFrame([row])]
        )
        if settings.early_stopping and _epochs_since_best(history) == 0:
            _save_weights(learner, best)
        _save_weights(learner, latest)
        write_history(run, history)
    if settings.early_stopping:
        learner.load_weights(best)


def _optimizer(recipe: Recipe, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    settings = recipe.train
    rate: Any = settings.learning_rate
    if settings.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, settings.epochs * steps_per_epoch)
    if settings.weight_decay:
        optimizer = keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay)
        # Scales and shifts gain nothing from being drawn to zero (Loshchilov & Hutter 2019 decay
        # weights only)
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return optimizer
    return keras.optimizers.Adam(rate)


def _epochs_since_best(history: pd.DataFrame) -> int:
    if not len(history):
        return 0
    return len(history) - 1 - int(np.argmin(history["val_loss"].to_numpy(dtype=float)))


def _save_weights(learner: keras.Model, path: Path) -> None:
    # Keras insists on the ending; written beside and renamed, so that a kill leaves the old one
    partial = path.with_name(f"partial-{path.name}")
    learner.save_weights(partial)
    partial.replace(path)


def _finish(run: Run, model: keras.Model, scores: pd.DataFrame, recipe: Recipe) -> None:
    """Write the model in float32, whatever it was trained in, then the scores; tidy up."""
    if recipe.train.precision != "float32":
        trained = model.get_weights()
        model = build_network(recipe.with_pretrained("none", ""))
        model.set_weights(trained)
    partial = run.folder / "partial.keras"
    model.save(partial)
    partial.replace(run.model)
    partial = run.scores.with_suffix(".partial")
    scores.to_csv(partial, index=False)
    partial.replace(run.scores)
    shutil.rmtree(run.checkpoint)
