"""Epoch by epoch from wherever training stood, with a checkpoint every few minutes."""

import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from pilah.files import replacing
from pilah.progress import note, progress_bar
from pilah.runs.folder import Run
from pilah.runs.recipe import TrainRecipe
from pilah.runs.tables import HISTORY, read_history, write_history
from pilah.training.augment import vary
from pilah.training.batches import Batches, Source, Teacher, Variation, epoch_items

SECONDS_BETWEEN_CHECKPOINTS = 240

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Lessons:
    """What is learned from.

    `training` gives the faces as large as they are stored, `validation` as the network takes them.
    `rows` has the row numbers of the splits `train` and `validation`; `targets` the one-hot labels
    of all rows, shape (n, 2); `weights` how much each counts in the loss of training, shape (n,),
    None where all count alike. `size_hw` is what the network takes. `teacher` is asked about each
    picture, if there is one.
    """

    training: Source
    validation: Source
    rows: dict[str, Array]
    targets: Array
    size_hw: tuple[int, int]
    weights: Array | None = None
    teacher: Teacher | None = None


def fit(run: Run, learner: keras.Model, lessons: Lessons, settings: TrainRecipe) -> None:
    """Train `learner`, or resume at the run's checkpoint.

    The loss and accuracy in the history of an epoch that was interrupted are those of its rest.

    Args:
        run: where checkpoint and history lie.
        learner: the whole model, or its trainable tail.
        lessons: what it learns from.
        settings: how to train.
    """
    steps = -(-len(lessons.rows["train"]) // settings.batch_size)
    _compile(learner, settings, steps)
    latest = run.checkpoint / "latest.weights.h5"
    best = run.checkpoint / "best.weights.h5"
    if latest.is_file():
        learner.load_weights(latest)
    # The optimizer's count says how far the weights are; the history may be one epoch ahead
    begun, first = divmod(int(learner.optimizer.iterations), steps)
    history = _epochs(run).iloc[:begun]
    if begun or first:
        note(f"resuming in epoch {min(begun + 1, settings.epochs)} of {settings.epochs}")

    callbacks = [
        keras.callbacks.TensorBoard(run.tensorboard, write_graph=False),
        _Checkpoints(latest),
    ]
    for epoch in range(begun, settings.epochs):
        if settings.early_stopping and _epochs_since_best(history) >= settings.early_stopping:
            note(f"stopped: no better validation loss in {settings.early_stopping} epochs")
            break
        _seed_dropout(learner, settings.seed, epoch * steps + first)
        row = pd.DataFrame([_fit_epoch(learner, lessons, settings, epoch, first, callbacks)])
        first = 0
        history = pd.concat([history, row]) if len(history) else row
        if settings.early_stopping and _epochs_since_best(history) == 0:
            _save_weights(learner, best)
        write_history(run, history)
        _save_weights(learner, latest)
    if settings.early_stopping:
        learner.load_weights(best)


def _fit_epoch(
    learner: keras.Model,
    lessons: Lessons,
    settings: TrainRecipe,
    epoch: int,
    first: int,
    callbacks: list[keras.callbacks.Callback],
) -> dict[str, Any]:
    """Train for one epoch, from its batch `first` on; its row of the history."""
    began = time.monotonic()
    epochs = settings.epochs
    training = _batches(lessons, settings, epoch, first)
    held_out = lessons.rows["validation"]
    validation = Batches(lessons.validation, held_out, lessons.targets[held_out], batch_size=64)
    with progress_bar() as progress:
        task = progress.add_task(f"epoch {epoch + 1} of {epochs}", total=len(training))
        advance = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: progress.advance(task)
        )
        log = learner.fit(
            training,
            validation_data=validation,
            initial_epoch=epoch,
            epochs=epoch + 1,
            shuffle=False,
            verbose=0,
            callbacks=[*callbacks, advance],
        ).history
    row = {
        "epoch": epoch + 1,
        **{key: log[key][0] for key in ("loss", "accuracy", "val_loss", "val_accuracy")},
        "learning_rate": float(learner.optimizer.learning_rate),
        "seconds": time.monotonic() - began,
    }
    left = timedelta(seconds=round((epochs - epoch - 1) * row["seconds"]))
    note(
        f"epoch {row['epoch']} of {epochs}: validation accuracy {row['val_accuracy']:.4f}, "
        f"validation loss {row['val_loss']:.4f}, training loss {row['loss']:.4f}, "
        f"{row['seconds']:.0f} s" + (f", {left} left" if left else "")
    )
    return row


def _compile(learner: keras.Model, settings: TrainRecipe, steps_per_epoch: int) -> None:
    learner.compile(
        optimizer=_optimizer(settings, steps_per_epoch),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing),
        metrics=["accuracy"],
    )
    learner.optimizer.build(learner.trainable_variables)


def _batches(lessons: Lessons, settings: TrainRecipe, epoch: int, first: int) -> Batches:
    """One epoch's batches of training faces, from number `first` on."""
    shuffled, items = epoch_items(
        lessons.rows["train"],
        first_mirrored=len(lessons.targets) if "flip" in settings.augment else None,
        seed=settings.seed,
        epoch=epoch,
    )
    return Batches(
        lessons.training,
        items,
        lessons.targets[shuffled],
        batch_size=settings.batch_size,
        weights=None if lessons.weights is None else lessons.weights[shuffled],
        vary=_variation(settings, lessons.size_hw, epoch),
        teacher=lessons.teacher,
        teacher_weight=settings.teacher_weight,
        first=first,
    )


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


def _variation(settings: TrainRecipe, size_hw: tuple[int, int], epoch: int) -> Variation | None:
    if set(settings.augment) <= {"flip"}:
        return None

    def varied(image: Array, item: int) -> Array:
        random = np.random.default_rng((settings.seed, epoch, item))
        return vary(image, random, settings, size_hw)

    return varied


def _seed_dropout(learner: keras.Model, seed: int, step: int) -> None:
    """Set the random state of each Dropout as it is before this step; no checkpoint keeps it."""
    for layer in learner.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.seed_generator.state.assign([seed, step])


def _optimizer(settings: TrainRecipe, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    rate: Any = settings.learning_rate
    if settings.schedule == "cosine":
        steps = settings.epochs * steps_per_epoch
        if warm_up := round(settings.warm_up * steps):
            rate = keras.optimizers.schedules.CosineDecay(
                0.0, steps - warm_up, warmup_target=rate, warmup_steps=warm_up
            )
        else:
            rate = keras.optimizers.schedules.CosineDecay(rate, steps)
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
