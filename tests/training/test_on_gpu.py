"""studies/on_gpu: what is carried to another machine comes back as it was, or as it was learned."""

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from pilah.runs.recipe import Recipe, read_recipe
from pilah.training.network import build_network

FOLDER = Path(__file__).parents[2] / "studies" / "on_gpu"
RECIPE = """
name = "{name}"
[data]
size_hw = [80, 75]
[model]
backbone = "{backbone}"
pretrained = "none"
pooling = "average"
hidden = []
mirror = true
[train]
epochs = 2
batch_size = 12
augment = ["zoom", "erase"]
cache = false
"""


def script(name: str, *arguments: object) -> None:
    subprocess.run([sys.executable, FOLDER / name, *map(str, arguments)], check=True)


def recipe(folder: Path, name: str, backbone: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(RECIPE.format(name=name, backbone=backbone))
    return path


def faces_manifest(manifest: Callable[..., Path]) -> Path:
    """With the columns that training_faces.py adds."""
    table = manifest(side=80)
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([f"{header},source,race", *(f"{row},celeba," for row in rows)]))
    return table


def network(path: Path) -> tuple[Recipe, keras.Model]:
    found = read_recipe(path)
    keras.utils.set_random_seed(found.train.seed)
    return found, build_network(found)


@pytest.mark.slow
def test_a_network_that_learned_nothing_comes_back_as_it_left(
    manifest: Callable[..., Path], tmp_path: Path
) -> None:
    table = faces_manifest(manifest)
    small = recipe(tmp_path, "small", "efficientnet_lite0")
    script("carry.py", table, f"small={small}", "--to", tmp_path / "carried")
    carried = dict(np.load(tmp_path / "carried" / "small.npz"))
    carried.pop("description")
    faces = np.load(tmp_path / "carried" / "faces.npz")
    assert (len(faces["size"]), int(faces["male"].sum()), faces["validation"].sum()) == (32, 16, 8)
    assert faces["size"].sum() == (tmp_path / "carried" / "faces.bin").stat().st_size
    assert set(faces["race"]) == set(faces["age"]) == {-1}

    half = len(carried) // 2
    for number, keys in enumerate((list(carried)[:half], list(carried)[half:])):
        np.savez(tmp_path / f"small_{number}.npz", **{key: carried[key] for key in keys})
    (tmp_path / "small.csv").write_text(
        "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds\n1,0.7,0.5,0.7,0.5,0,9\n"
    )
    script(
        *("bring_back.py", tmp_path / "small", "--recipe", small, "--manifest", table),
        *("--to", tmp_path / "run"),
    )
    _, model = network(small)
    brought = keras.models.load_model(tmp_path / "run" / "model.keras")
    for ours, theirs in zip(model.get_weights(), brought.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)  # 16 bits on the way
    with (tmp_path / "run" / "scores.csv").open() as file:
        assert {row["split"] for row in csv.DictReader(file)} == {"validation", "test"}


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "inception_v3", "xception"])
def test_pytorch_computes_what_keras_computes(
    backbone: str, manifest: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch; install it with: pip install torch")
    monkeypatch.syspath_prepend(FOLDER)
    from network import Network

    path = recipe(tmp_path, "one", backbone)
    table = faces_manifest(manifest)
    script("carry.py", table, f"one={path}", "--to", tmp_path / "carried")
    _, model = network(path)
    images = np.random.default_rng(0).integers(0, 256, (4, 80, 75, 3)).astype(np.float32)
    expected = model.predict(images, verbose=0)
    ours = Network(tmp_path / "carried" / "one.npz").eval()
    with torch.no_grad():
        logits, _ = ours(torch.from_numpy(images).permute(0, 3, 1, 2))
    np.testing.assert_allclose(torch.softmax(logits, 1), expected, atol=2e-3)
    arrays = ours.as_keras()
    for carried, given in zip(model.get_weights(), arrays.values(), strict=True):
        np.testing.assert_allclose(carried, given, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_a_student_learns_from_a_teacher(manifest: Callable[..., Path], tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs PyTorch; install it with: pip install torch")
    table = faces_manifest(manifest)
    both = [
        f"{name}={recipe(tmp_path, name, 'efficientnet_lite0')}" for name in ("teacher", "small")
    ]
    script("carry.py", table, *both, "--to", tmp_path / "carried")
    script("learn.py", tmp_path / "carried", "--to", tmp_path / "brought")
    for name in ("teacher", "small"):
        with (tmp_path / "brought" / f"{name}.csv").open() as file:
            history = list(csv.DictReader(file))
        assert [row["epoch"] for row in history] == ["1", "2"]
        assert float(history[1]["loss"]) < float(history[0]["loss"])
