"""What computing the frozen layers once changes (nothing, to rounding) and saves.

    python -m benchmarks.frozen prepared/celeba5017/manifest.csv xception \
        --pretrained xception_notop.weights.h5

Beside each stands what the multiplications alone allow: a step takes one pass through the frozen
layers and three through the others (forward, and back for inputs and weights).

A part of the faces is trained on for two epochs by the recipe, at its own size, in three ways: with
the frozen layers computed anew in every step, as Keras' `fit` does; computed once; and found in the
cache of a run before. From their parts follows what the study's whole run takes: each cost of a
face counts as often as that run meets it, what a run takes by itself counts once. Exits 1 where a
loss differs by more than `LIMIT`.
"""

import argparse
import math
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from pilah.recipes import recipe_path
from pilah.runs.recipe import Recipe, read_recipe
from pilah.training.network import build_network, first_trainable
from pilah.training.train import train

STUDY = {"train": 3500, "validation": 1000, "test": 500}
EPOCHS = 20
PART = 10
"""A tenth of the study's faces is trained on."""

FEW = 100
"""A hundredth of them shows what a run takes by itself."""

LIMIT = 1e-3


@dataclass(frozen=True)
class Trained:
    """One run: its epochs, and the seconds that it took beside them."""

    history: pd.DataFrame
    beside: float

    def whole(self, alone: float) -> float:
        """Seconds of the study's run; `alone` are those that a run takes by itself."""
        first, later = self.history["seconds"]
        tracing = max(0.0, first - later)
        return alone + PART * (self.beside - alone) + tracing + EPOCHS * PART * later


def main() -> int:
    """Train the ways, print one small table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path, help="manifest.csv of ready face crops")
    parser.add_argument("recipe", type=recipe_path, help="a recipe with frozen layers")
    parser.add_argument("--pretrained", default="imagenet", help="as of `pilah train`")
    options = parser.parse_args()
    recipe = read_recipe(options.recipe).with_pretrained(options.pretrained, "as given")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        few, part = (_faces(options.manifest, folder, share) for share in (FEW, PART))
        _trained(recipe, few, folder / "warm-up")  # loads what TensorFlow loads once
        alone = _trained(recipe, few, folder / "few").beside
        plain = _changed(recipe, cache=False)
        runs = {
            "in every step": _trained(plain, part, folder / "plain"),
            "once": _trained(recipe, part, folder / "once", folder / "cache"),
            "in a run before": _trained(recipe, part, folder / "again", folder / "cache"),
        }

    height, width = recipe.data.size_hw
    title = f"{recipe.name}, faces of {height}x{width}, the whole run by its parts"
    table = Table(title=title)
    columns = ("frozen layers", "seconds an epoch", "seconds", "times as fast", "allowed", "losses")
    for column in columns:
        table.add_column(column, justify="right")
    losses = {way: run.history[["loss", "val_loss"]].to_numpy() for way, run in runs.items()}
    apart = {way: np.abs(of - losses["in every step"]).max() for way, of in losses.items()}
    slowest = runs["in every step"].whole(alone)
    for (way, run), allowed in zip(runs.items(), _allowed(recipe), strict=True):
        seconds, epoch = run.whole(alone), PART * run.history["seconds"].iloc[-1]
        times = f"{slowest / seconds:.1f}", f"{allowed:.1f}"
        table.add_row(way, f"{epoch:.1f}", f"{seconds:,.0f}", *times, f"{apart[way]:.1e} apart")
    Console().print(table)
    return int(max(apart.values()) > LIMIT)


def _allowed(recipe: Recipe) -> tuple[float, float, float]:
    """How many times as fast the ways could be, if only multiplications took time."""
    model = build_network(recipe)
    first = first_trainable(model, recipe)
    frozen, tail = (
        sum(map(_multiplications, layers))
        for layers in (model.layers[:first], model.layers[first:])
    )
    learned = EPOCHS * tail * (3 * STUDY["train"] + STUDY["validation"])
    held_out = (frozen + tail) * (STUDY["validation"] + STUDY["test"])  # the scores at the end
    once = frozen * sum(STUDY.values())
    plain = learned + EPOCHS * frozen * (STUDY["train"] + STUDY["validation"]) + held_out
    return 1.0, plain / (learned + once + held_out), plain / (learned + held_out)


def _multiplications(layer: keras.Layer) -> int:
    """Of one face, in the layers that take nearly all of them."""
    kernels = [weight for weight in layer.weights if "kernel" in weight.name]
    places = math.prod(layer.output.shape[1:-1]) if kernels else 0
    return places * sum(math.prod(kernel.shape) for kernel in kernels)


def _faces(manifest: Path, folder: Path, share: int) -> Path:
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    parts = [table[table["split"] == name].head(of // share) for name, of in STUDY.items()]
    path = folder / f"{share}.csv"
    pd.concat(parts).to_csv(path, index=False)
    return path


def _changed(recipe: Recipe, **changes: object) -> Recipe:
    return recipe.model_copy(update={"train": recipe.train.model_copy(update=changes)})


def _trained(recipe: Recipe, manifest: Path, folder: Path, cache: Path | None = None) -> Trained:
    keras.utils.clear_session()
    began = time.perf_counter()
    run = train(_changed(recipe, epochs=2), manifest, folder, cache=cache)
    history = pd.read_csv(run.history)
    return Trained(history, time.perf_counter() - began - history["seconds"].sum())


if __name__ == "__main__":
    sys.exit(main())
