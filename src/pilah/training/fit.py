"""Epoch by epoch from wherever training stood, with a checkpoint every few minutes."""

import time
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pandas as pd

from pilah.files import replacing
from pilah.runs.folder import Run
from pilah.runs.recipe import Recipe
from pilah.runs.tables import HISTORY, read_history, write_history
from pilah.training.augment import vary
from pilah.training.batches import Batches, Source, Teacher, Variation, epoch_items

SECONDS_BETWEEN_CHECKPOINTS = 240


class Sources(NamedTuple):
    """What training is fed from, as large as it is stored, and what validation is fed from."""

    training: Source
    validation: Source


def fit(
    run: Run,
    learner: keras.Model,
    sources: Sources,
    splits: dict[str, np.ndarray[Any, Any]],
    targets: np.ndarray[Any, Any],
    recipe: Recipe,
    weights: np.ndarray[Any, Any] | None = None,
    teacher: Teacher | None = None,
) -> None:
    """Train `learner`, or go on where the run's checkpoint stands.

    The loss and accuracy in the history of an epoch that was interrupted are those of its rest.

    Args:
        run: where checkpoint and history lie.
        learner: the whole model, or its trainable tail.
        sources: what it is fed from.
        splits: row numbers of `train` and `validation`.
        targets: one-hot labels of all rows, shape (n, 2).
        recipe: how to train.
        weights: how much each row counts in the loss of training, shape (n,); None: all alike.
        teacher: another model that is asked about each picture, if any.
    """
    settings = recipe.train
    rows = splits["train"]
    steps = -(-len(rows) // settings.batch_size)
    learner.compile(
        optimizer=_optimizer(recipe, steps),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing),
        metrics=["accuracy"],
    )
    learner.optimizer.build(learner.trainable_variables)
    latest = run.checkpoint / "latest.weights.h5"
    best = run.checkpoint / "best.weights.h5"
    if latest.is_file():
        learner.load_weights(latest)
    # The optimizer's count tells how far the weights are; the history may be one epoch ahead
    begun, first = divmod(int(learner.optimizer.iterations), steps)
    history = _epochs(run).iloc[:begun]

    validation = Batches(
        sources.validation, splits["validation"], targets[splits["validation"]], batch_size=64
    )
    first_mirrored = int(targets.shape[0]) if "flip" in settings.augment else None
    tensorboard = keras.callbacks.TensorBoard(run.tensorboard, write_graph=False)
    for epoch in range(begun, settings.epochs):
        if settings.early_stopping and _epochs_since_best(history) >= settings.early_stopping:
            break
        began = time.monotonic()
        _seed_dropout(learner, settings.seed, epoch * steps + first)
        shuffled, items = epoch_items(
            rows, first_mirrored=first_mirrored, seed=settings.seed, epoch=epoch
        )
        training = Batches(
            sources.training,
            items,
            targets[shuffled],
            batch_size=settings.batch_size,
            weights=None if weights is None else weights[shuffled],
            vary=_variation(recipe, epoch),
            teacher=teacher,
            first=first,
        )
        log = learner.fit(
            training,
            validation_data=validation,
            initial_epoch=epoch,
            epochs=epoch + 1,
            shuffle=False,
            callbacks=[tensorboard, _Checkpoints(latest)],
        ).history
        first = 0
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
        write_history(run, history)
        _save_weights(learner, latest)
    if settings.early_stopping:
        learner.load_weights(best)


class _Checkpoints(keras.callbacks.Callback):  # type: ignore[misc]
    """Saves the weights and the optimizer's state every few minutes within an epoch."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.saved = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if time.monotonic() - self.saved >= SECONDS_BETWEEN_CHECKPOINTS:
            _save_weights(self.model, self.path)
            self.saved = time.monotonic()


def _variation(recipe: Recipe, epoch: int) -> Variation | None:
    settings = recipe.train
    if set(settings.augment) <= {"flip"}:
        return None

    def varied(image: np.ndarray[Any, Any], item: int) -> np.ndarray[Any, Any]:
        random = np.random.default_rng((settings.seed, epoch, item))
        return vary(
            image,
            random,
            kinds=settings.augment,
            zoom=settings.zoom,
            size_hw=recipe.data.size_hw,
        )

    return varied


def _seed_dropout(learner: keras.Model, seed: int, step: int) -> None:
    """Set the random state of each Dropout as it is before this step; no checkpoint keeps it."""
    for layer in learner.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.seed_generator.state.assign([seed, step])


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


def _epochs(run: Run) -> pd.DataFrame:
    """The epochs so far; empty before the first ended."""
    return read_history(run) if run.history.is_file() else pd.DataFrame(columns=list(HISTORY))


def _epochs_since_best(history: pd.DataFrame) -> int:
    if not len(history):
        return 0
    return len(history) - 1 - int(np.argmin(history["val_loss"].to_numpy(dtype=float)))


def _save_weights(learner: keras.Model, path: Path) -> None:
    with replacing(path) as draft:
        learner.save_weights(draft)
