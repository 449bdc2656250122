r"""A network that learn.py trained -> a finished run folder.

It is one as `pilah train` leaves it, so that `pilah evaluate` and `pilah export` can read it.

    python studies/on_gpu/bring_back.py brought/small --recipe pilah_small_taught \
        --manifest data/faces/manifest.csv --to runs/pilah_small_taught
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pilah.dataset.manifest import describe, read_manifest
from pilah.recipes import recipe_path
from pilah.runs.recipe import read_recipe
from pilah.runs.start import start_run
from pilah.training.batches import Arrays, decode_crops
from pilah.training.network import build_network
from pilah.training.train import finish

Weights = dict[str, np.ndarray[Any, Any]]


def main() -> None:
    """Read NAME_K.npz and NAME.csv, predict the held-out faces, write the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("brought", type=Path, help="FOLDER/NAME of NAME_K.npz and NAME.csv")
    parser.add_argument(
        "--recipe", type=recipe_path, required=True, help="the recipe that was followed"
    )
    parser.add_argument("--manifest", type=Path, required=True, help="the manifest.csv carried")
    parser.add_argument("--to", type=Path, required=True, help="the run folder to make")
    options = parser.parse_args()
    recipe = read_recipe(options.recipe)
    model = build_network(recipe.with_pretrained("none", ""))
    restore(model, read_pieces(options.brought))
    table = read_manifest(options.manifest)
    run = start_run(options.to, recipe, options.manifest, describe(table))
    run.write_environment({"command": " ".join(["bring_back.py", *sys.argv[1:]])})
    shutil.copyfile(options.brought.with_suffix(".csv"), run.history)
    held_out = table[table["split"].isin(["validation", "test"])]
    pixels = np.empty((len(held_out), *recipe.data.size_hw, 3), np.uint8)
    decode_crops(held_out["path"].tolist(), pixels, recipe.data.size_hw)
    finish(run, model, held_out, Arrays([pixels]), np.arange(len(held_out)), recipe)


def read_pieces(brought: Path) -> Weights:
    """The arrays of NAME_0.npz, NAME_1.npz and on.

    Raises:
        SystemExit: there are none.
    """
    paths = sorted(brought.parent.glob(f"{brought.name}_*.npz"))
    if not paths:
        raise SystemExit(f"no {brought}_0.npz; name FOLDER/NAME of what learn.py wrote")
    return {key: array for path in paths for key, array in np.load(path).items()}


def restore(model: keras.Model, arrays: Weights) -> None:
    """Set a model's weights, layer by layer: Keras numbers names, so only the order counts.

    Raises:
        SystemExit: they are those of another network.
    """
    names = list(dict.fromkeys(key.rsplit("/", 1)[0] for key in arrays))
    layers = [layer for layer in model.layers if layer.weights]
    if len(names) != len(layers):
        raise SystemExit(f"{len(names)} layers were brought, {model.name} has {len(layers)}")
    for layer, name in zip(layers, names, strict=True):
        weights = [arrays[f"{name}/{i}"].astype(np.float32) for i in range(len(layer.weights))]
        layer.set_weights(weights)


if __name__ == "__main__":
    main()
