r"""Pack faces and networks as plain arrays, for a machine that has a GPU and PyTorch but no pilah.

    python studies/on_gpu/carry.py data/faces/manifest.csv --to carried \
        --attributes data/celeba/list_attr_celeba.txt \
        --ages data/fairface/fairface_label_train.csv \
        teacher=teacher small=pilah_small_taught \
        inception=pilah_inception_v3_taught
    python learn.py carried --to brought        # there, beside network.py and vary.py
    python studies/on_gpu/bring_back.py brought/small --recipe pilah_small_taught \
        --manifest data/faces/manifest.csv --to runs/pilah_small_taught

Faces are kept at STORED_HW as WebP, 3 KB each. Beside the label and the weight goes what else is
known of a face, which the teacher learns too: race and age of FairFace, CelebA's other attributes.
"""

import argparse
import csv
import io
import json
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from PIL import Image

from pilah.dataset.manifest import read_manifest
from pilah.faces.crop import centre_crop
from pilah.images import read
from pilah.recipes import recipe_path
from pilah.runs.recipe import Recipe, read_recipe
from pilah.training.from_bundle import recentre
from pilah.training.network import build_network
from pilah.training.train import RECENTRE_FACES

STORED_HW = (200, 160)
QUALITY = 80
UNKNOWN = -1
MALE = 20  # among CelebA's attributes, counted from 0


def main() -> None:
    """Write `faces.bin`, `faces.npz` and NAME.npz of each network into a folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path, help="manifest.csv of `pilah prepare`")
    parser.add_argument("networks", nargs="+", help="NAME=RECIPE; one is named teacher")
    parser.add_argument("--to", type=Path, required=True, help="the folder to make")
    parser.add_argument("--attributes", type=Path, help="CelebA's list_attr_celeba.txt")
    parser.add_argument("--ages", type=Path, help="FairFace's fairface_label_train.csv")
    options = parser.parse_args()
    table = read_manifest(options.manifest)
    if missing := {"source", "race"} - set(table):
        raise SystemExit(
            f"{options.manifest} has no column {min(missing)}; prepare what training_faces.py wrote"
        )
    options.to.mkdir(parents=True)
    faces = table[table["split"].isin(["train", "validation"])].sample(frac=1, random_state=1)
    with (options.to / "faces.bin").open("wb") as file, Pool() as pool:
        sizes = [file.write(face) for face in pool.imap(_packed, faces["path"], chunksize=64)]
    known = _known(faces, options.attributes, options.ages)
    np.savez(options.to / "faces.npz", size=np.array(sizes), **known)
    for word in options.networks:
        name, recipe = word.split("=")
        _pack_network(read_recipe(recipe_path(recipe)), faces, options.to / f"{name}.npz")


def _packed(path: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(centre_crop(read(path).image, STORED_HW)).save(buffer, "WEBP", quality=QUALITY)
    return buffer.getvalue()


def _known(
    faces: pd.DataFrame, attributes: Path | None, ages: Path | None
) -> dict[str, np.ndarray[Any, Any]]:
    """What is known of each face, as numbers; UNKNOWN where it is not."""
    names = faces["path"].map(lambda path: Path(path).name).tolist()
    of_celeba = dict(_attributes(attributes)) if attributes else {}
    of_fairface: dict[str, str] = {}
    if ages:
        with ages.open(newline="") as file:
            of_fairface = {Path(row["file"]).name: row["age"] for row in csv.DictReader(file)}
    is_fairface = faces["source"] == "fairface"
    age = [of_fairface.get(n, "") if f else "" for n, f in zip(names, is_fairface, strict=True)]
    nothing = [UNKNOWN] * 39
    other = [
        nothing if f else of_celeba.get(n, nothing) for n, f in zip(names, is_fairface, strict=True)
    ]
    weight = faces["weight"].astype("float32") if "weight" in faces else np.ones(len(faces))
    return {
        "male": (faces["label"] == "male").to_numpy(np.int64),
        "validation": (faces["split"] == "validation").to_numpy(),
        "weight": np.asarray(weight, np.float32),
        "race": _numbered(faces["race"].tolist()),
        "age": _numbered(age),
        "attributes": np.array(other, np.int8),
    }


def _attributes(path: Path) -> Iterator[tuple[str, list[int]]]:
    for line in path.read_text().splitlines()[2:]:
        name, *values = line.split()
        yield name, [int(v == "1") for i, v in enumerate(values) if i != MALE]


def _numbered(words: list[str]) -> np.ndarray[Any, Any]:
    kinds = sorted({word for word in words if word})
    return np.array([kinds.index(word) if word else UNKNOWN for word in words], np.int64)


def _pack_network(recipe: Recipe, faces: pd.DataFrame, target: Path) -> None:
    keras.utils.set_random_seed(recipe.train.seed)
    model = build_network(recipe)
    if recipe.model.starts_from_bundle:
        some = faces.loc[faces["split"] == "train", "path"].head(RECENTRE_FACES)
        crops = [centre_crop(read(path).image, recipe.data.size_hw) for path in some]
        recentre(model, np.stack(crops).astype(np.float32))
    arrays = {
        f"{layer.name}/{i}": array.astype(np.float16 if array.ndim > 1 else np.float32)
        for layer in model.layers
        for i, array in enumerate(layer.get_weights())
    }
    description = {
        "settings": recipe.train.model_dump(),
        "size_hw": recipe.data.size_hw,
        "operations": operations(model),
    }
    np.savez_compressed(target, description=json.dumps(description), **arrays)


def operations(model: keras.Model) -> list[tuple[str, str, list[str], dict[str, Any]]]:
    """A flat model's layers in order: name, kind, names of its inputs, settings.

    Raises:
        SystemExit: the model has a layer that network.py does not know.
    """
    kept = {
        "Rescaling": (),
        "Conv2D": ("kernel_size", "strides", "padding"),
        "DepthwiseConv2D": ("kernel_size", "strides", "padding"),
        "SeparableConv2D": ("kernel_size", "strides", "padding"),
        "BatchNormalization": ("epsilon", "scale", "momentum"),
        "Activation": ("activation",),
        "ReLU": ("max_value",),
        "Add": (),
        "Concatenate": (),
        "MaxPooling2D": ("pool_size", "strides", "padding"),
        "AveragePooling2D": ("pool_size", "strides", "padding"),
        "GlobalAveragePooling2D": (),
        "Dropout": ("rate",),
        "Dense": (),
    }
    made_by: dict[int, str] = {}
    listed = []
    for layer in model.layers:
        kind = type(layer).__name__
        made_by[id(layer.output)] = layer.name
        if kind == "InputLayer":
            continue
        if kind not in kept:
            raise SystemExit(f"{layer.name} is a {kind}, which network.py does not know")
        given = layer.input if isinstance(layer.input, list) else [layer.input]
        settings = {key: layer.get_config()[key] for key in kept[kind]}
        listed.append((layer.name, kind, [made_by[id(tensor)] for tensor in given], settings))
    return listed


if __name__ == "__main__":
    main()
