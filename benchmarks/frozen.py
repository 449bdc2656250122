"""What computing the frozen layers once changes (nothing, to rounding) and saves.

    python benchmarks/frozen.py prepared/celeba5017/manifest.csv xception \
        --pretrained xception_notop.weights.h5

A few faces are trained on for two epochs by the recipe, at its own size: with the frozen layers
computed anew in every step, and once and kept in single or half precision. Exits 1 where a loss
differs from plain training's by more than 1e-3.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from pilah.recipes import recipe_path
from pilah.runs.recipe import Recipe, read_recipe
from pilah.training.train import train

FACES = {"train": 150, "validation": 50}
LOSSES = ["loss", "val_loss"]
LIMIT = 1e-3
WAYS: dict[str, dict[str, object]] = {
    "plain": {"cache": False},
    "kept in float32": {"cache": True, "cache_precision": "float32"},
    "kept in float16": {"cache": True, "cache_precision": "float16"},
}


def main() -> int:
    """Train the three ways, print one small table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path, help="manifest.csv of ready face crops")
    parser.add_argument("recipe", type=recipe_path, help="a recipe with frozen layers")
    parser.add_argument("--pretrained", default="imagenet", help="as of `pilah train`")
    options = parser.parse_args()
    recipe = read_recipe(options.recipe).with_pretrained(options.pretrained, "as given")
    with tempfile.TemporaryDirectory() as folder:
        manifest = _some_faces(options.manifest, Path(folder))
        histories = {
            way: _history(recipe, changes, manifest, Path(folder) / way)
            for way, changes in WAYS.items()
        }

    height, width = recipe.data.size_hw
    table = Table(title=f"{recipe.name}, {sum(FACES.values())} faces of {height}x{width}, 2 epochs")
    for column in ("frozen layers", "losses", "validation losses", "largest difference", "seconds"):
        table.add_column(column, justify="right")
    plain = histories["plain"][LOSSES].to_numpy()
    worst = 0.0
    for way, history in histories.items():
        difference = float(np.abs(history[LOSSES].to_numpy() - plain).max())
        worst = max(worst, difference)
        losses = [", ".join(f"{loss:.5f}" for loss in history[name]) for name in LOSSES]
        table.add_row(way, *losses, f"{difference:.1e}", f"{history['seconds'].sum():.0f}")
    Console().print(table)
    return int(worst > LIMIT)


def _some_faces(manifest: Path, folder: Path) -> Path:
    table = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    parts = [table[table["split"] == split].head(count) for split, count in FACES.items()]
    path = folder / "manifest.csv"
    pd.concat(parts).to_csv(path, index=False)
    return path


def _history(
    recipe: Recipe, changes: dict[str, object], manifest: Path, folder: Path
) -> pd.DataFrame:
    settings = recipe.train.model_copy(update={"epochs": 2, **changes})
    run = train(recipe.model_copy(update={"train": settings}), manifest, folder)
    return pd.read_csv(run.history)


if __name__ == "__main__":
    sys.exit(main())
