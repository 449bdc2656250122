"""The frozen part computed once must change nothing but the time."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from pilah.errors import DataError
from pilah.runs.recipe import DataRecipe, ModelRecipe, Recipe, TrainRecipe, study_recipe
from pilah.training.batches import Views
from pilah.training.frozen import allocate, cut, shared_folder
from pilah.training.network import build_network, first_trainable
from pilah.training.train import train

BOUNDARIES = {"inception_v3": 6, "resnet50_v2": 2, "xception": 2}


@pytest.mark.parametrize("backbone", BOUNDARIES)
def test_trunk_and_tail_are_the_whole_network(backbone: str) -> None:
    keras.utils.set_random_seed(0)
    recipe = study_recipe(backbone).with_pretrained("none", "nothing")
    recipe = recipe.model_copy(update={"data": DataRecipe(size_hw=(96, 80))})
    model = build_network(recipe)
    parts = cut(model, first_trainable(model, recipe))
    assert len(parts.trunk.outputs) == BOUNDARIES[backbone]
    assert parts.trunk.trainable_weights == []
    assert len(parts.tail.trainable_weights) == len(model.trainable_weights)
    images = np.random.default_rng(0).integers(0, 256, (3, 96, 80, 3)).astype(np.float32)
    whole = model(images)
    halves = parts.tail(parts.trunk(images))
    np.testing.assert_allclose(halves, whole, atol=1e-6)


@pytest.mark.parametrize("backbone", BOUNDARIES)
def test_the_studys_last_layers_are_the_trainable_ones(backbone: str) -> None:
    recipe = study_recipe(backbone).with_pretrained("none", "nothing")
    model = build_network(recipe)
    application = {
        "inception_v3": keras.applications.InceptionV3,
        "resnet50_v2": keras.applications.ResNet50V2,
        "xception": keras.applications.Xception,
    }[backbone]
    pure = application(weights=None, include_top=False, input_shape=(218, 178, 3))
    wanted = [type(layer) for layer in pure.layers[-recipe.model.trainable :]]  # type: ignore[operator]
    first = first_trainable(model, recipe)
    found = model.layers[first : first + len(wanted)]
    assert [type(layer) for layer in found] == wanted
    assert all(layer.trainable for layer in model.layers[first:])
    assert not any(layer.trainable for layer in model.layers[:first] if layer.weights)


@pytest.mark.faces
@pytest.mark.slow
@pytest.mark.parametrize(
    ("backbone", "augment"),
    # flips go the same way through every network; one is enough
    [*((backbone, ()) for backbone in BOUNDARIES), ("resnet50_v2", ("flip",))],
)
def test_cached_training_equals_plain_training(
    backbone: str, augment: tuple[str, ...], shared: Path, tmp_path: Path
) -> None:
    manifest = _hundred_faces(shared, tmp_path)
    losses = []
    for cache in (True, False):
        recipe = Recipe(
            name="equal",
            data=DataRecipe(size_hw=(96, 80)),
            model=ModelRecipe(
                backbone=backbone,
                pretrained="none",
                trainable=study_recipe(backbone).model.trainable,
            ),
            train=TrainRecipe(
                epochs=2, cache=cache, cache_precision="float32", augment=augment, seed=3
            ),
        )
        run = train(recipe, manifest, tmp_path / f"cache-{cache}")
        losses.append(pd.read_csv(run.history)[["loss", "val_loss"]].to_numpy())
    np.testing.assert_allclose(losses[0], losses[1], atol=1e-3)


def _hundred_faces(shared: Path, folder: Path) -> Path:
    faces = shared / "data" / "celeba5017"
    lines = (faces / "list_attr_celeba.txt").read_text().splitlines()[2:102]
    rows = [line.split() for line in lines]
    table = pd.DataFrame(
        {
            "path": [str(faces / "img_align_celeba" / row[0]) for row in rows],
            "label": ["male" if row[21] == "1" else "female" for row in rows],
            "identity": "",
            "split": ["validation" if index % 4 == 0 else "train" for index in range(100)],
            "duplicate_of": "",
        }
    )
    path = folder / "faces.csv"
    table.to_csv(path, index=False)
    return path


def test_room_is_reserved_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "array.npy"
    allocate(path, (100, 10), "float32")
    assert path.stat().st_blocks * 512 >= 100 * 10 * 4


def test_a_cache_is_named_by_all_that_its_content_depends_on(tmp_path: Path) -> None:
    images = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 3), np.uint8)
    none = np.arange(0)

    def small(seed: int, filters: int = 2) -> keras.Model:
        keras.utils.set_random_seed(seed)
        image = keras.Input((8, 8, 3))
        return keras.Model(image, keras.layers.Conv2D(filters, 3)(image))

    def folder(trunk: keras.Model, pixels: Views, precision: str = "float16") -> str:
        with shared_folder(tmp_path, trunk, pixels, precision) as path:
            assert path.parent == tmp_path and path.is_dir()
            return path.name

    named = folder(small(1), Views(images, none))
    assert folder(small(1), Views(images.copy(), none)) == named  # whatever its layers are called
    others = [
        folder(small(2), Views(images, none)),
        folder(small(1, 3), Views(images, none)),
        folder(small(1), Views(images[::-1], none)),
        folder(small(1), Views(images, np.array([0]))),
        folder(small(1), Views(images, none), "float32"),
    ]
    assert len({named, *others}) == 6


def test_one_run_at_a_time_computes_for_a_cache(tmp_path: Path) -> None:
    image = keras.Input((4, 4, 3))
    trunk = keras.Model(image, keras.layers.Conv2D(1, 3)(image))
    pixels = Views(np.zeros((1, 4, 4, 3), np.uint8), np.arange(0))
    with (
        shared_folder(tmp_path, trunk, pixels, "float16") as held,
        pytest.raises(DataError, match="another run computes the frozen layers"),
        shared_folder(tmp_path, trunk, pixels, "float16"),
    ):
        pass
    with shared_folder(tmp_path, trunk, pixels, "float16") as again:
        assert again == held
    taken = tmp_path / "file"
    taken.write_text("mine")
    with (
        pytest.raises(DataError, match="give another folder with --cache"),
        shared_folder(taken, trunk, pixels, "float16"),
    ):
        pass
