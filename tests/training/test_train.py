"""A whole training, on images that it can learn within seconds; killed, continued, exported."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.training.tiny import write_manifest

RECIPE = """
name = "tiny"
[data]
size_hw = [32, 32]
[model]
backbone = "resnet50_v2"
pretrained = "none"
trainable = 0
pooling = "average"
hidden = [8]
dropout = 0.1
[train]
epochs = {epochs}
batch_size = 8
learning_rate = 0.01
augment = ["flip"]
"""

ENVIRONMENT = {key: os.environ[key] for key in os.environ if key != "TF_CPP_MIN_LOG_LEVEL"}


ONE_AFTER_ANOTHER = """
import contextlib, io, json, sys
from pilah.cli import main
ends = []
for sys.argv in json.loads(sys.argv[1]):
    with contextlib.redirect_stderr(io.StringIO()) as told:
        try:
            code = main()
        except SystemExit as end:
            code = end.code
    ends.append((code, told.getvalue()))
print(json.dumps(ends))
"""
"""Commands in one process, which loads TensorFlow once: their exit codes and what they said."""


def one_after_another(commands: list[tuple[object, ...]], cwd: Path) -> list[tuple[int, str]]:
    arguments = [["pilah", *map(str, words)] for words in commands]
    done = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_ANOTHER, json.dumps(arguments)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        cwd=cwd,
    )
    assert done.returncode == 0, done.stderr
    return [(code, told) for code, told in json.loads(done.stdout.splitlines()[-1])]


def pilah(*arguments: object) -> list[str]:
    code = "from pilah.cli import main; main()"
    return [sys.executable, "-c", code, *(str(argument) for argument in arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(pilah(*arguments), capture_output=True, text=True, env=ENVIRONMENT)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return write_recipe(tmp_path)


def write_recipe(folder: Path) -> Path:
    path = folder / "tiny.toml"
    path.write_text(RECIPE.format(epochs=6))
    return path


@dataclass(frozen=True)
class Finished:
    """A run that nothing disturbed, what it was given, and how its command ended."""

    manifest: Path
    recipe: Path
    cache: Path
    folder: Path
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    base = tmp_path_factory.mktemp("finished")
    table, recipe = write_manifest(base), write_recipe(base)
    cache, folder = base / "cache", base / "run"
    done = run("train", table, "--recipe", recipe, "--to", folder, "--cache", cache)
    assert done.returncode == 0, done.stderr
    return Finished(table, recipe, cache, folder, done)


@pytest.mark.slow
def test_from_images_to_a_model_that_answers(finished: Finished, tmp_path: Path) -> None:
    table, folder, done = finished.manifest, finished.folder, finished.done
    assert done.stderr == ""  # neither TensorFlow's log nor anybody's warnings
    lines = [line.split(":")[0] for line in done.stdout.splitlines()]
    assert lines[:-1] == [*(f"epoch {number} of 6" for number in range(1, 7)), "Trained"]
    assert {path.name for path in folder.iterdir()} == {
        *("recipe.toml", "manifest.csv", "history.csv", "model.keras", "scores.csv"),
        *("environment.json", "tensorboard"),
    }
    history = pd.read_csv(folder / "history.csv")
    assert history["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    scores = pd.read_csv(folder / "scores.csv")
    listed = pd.read_csv(table)
    held_out = listed[listed["split"] != "train"]
    assert scores["path"].tolist() == held_out["path"].tolist()
    labels = json.loads((folder / "environment.json").read_text())["labels"]
    counted = listed.groupby(["split", "label"]).size()
    assert {(s, label): n for s, of in labels.items() for label, n in of.items()} == dict(counted)
    assert ((scores["p_male"] > 0.5) == (scores["label"] == "male")).mean() >= 0.9

    again = run("train", table, "--recipe", finished.recipe, "--to", folder)
    assert again.returncode == 2
    assert "holds a finished run" in again.stderr

    evaluated = run("evaluate", folder, "--quiet")
    assert (evaluated.returncode, evaluated.stdout, evaluated.stderr) == (0, "", "")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["test"]["n"] == 8

    other = tmp_path / "other.toml"
    other.write_text(RECIPE.format(epochs=1).replace('"none"', f'"{folder}"'))
    taken = run(
        *("train", table, "--recipe", other, "--to", tmp_path / "other"),
        *("--pretrained-on", "brightness"),
    )
    assert taken.returncode == 0, taken.stderr


@pytest.mark.slow
def test_runs_share_what_the_frozen_layers_give(finished: Finished, tmp_path: Path) -> None:
    shorter, folder = tmp_path / "shorter.toml", tmp_path / "run"
    shorter.write_text(RECIPE.format(epochs=2))
    words = ("train", finished.manifest, "--recipe", shorter, "--to", folder)
    done = run(*words, "--cache", finished.cache)
    assert done.returncode == 0, done.stderr
    (kept,) = finished.cache.glob("*/boundary-0.npy")
    assert kept.stat().st_mtime_ns < (folder / "recipe.toml").stat().st_mtime_ns
    first, second = (
        pd.read_csv(of / "history.csv")[["loss", "val_loss"]] for of in (finished.folder, folder)
    )
    np.testing.assert_allclose(second, first[:2], rtol=1e-3)


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_the_same(finished: Finished, tmp_path: Path) -> None:
    table, recipe, killed = finished.manifest, finished.recipe, tmp_path / "killed"
    process = subprocess.Popen(
        pilah("train", table, "--recipe", recipe, "--to", killed),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )
    while not (killed / "history.csv").is_file():
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "model.keras").exists()

    environment = (killed / "environment.json").read_text()
    (killed / "environment.json").write_text("{}")
    refused = run("train", table, "--recipe", recipe, "--to", killed)
    assert refused.returncode == 2
    assert "environment.json does not name the data" in refused.stderr
    (killed / "environment.json").write_text(environment)

    changed = tmp_path / "changed.toml"
    changed.write_text(RECIPE.format(epochs=9))
    refused = run("train", table, "--recipe", changed, "--to", killed)
    assert refused.returncode == 2
    assert "unfinished run of another recipe" in refused.stderr

    moved = tmp_path / "moved"
    shutil.copytree(table.parent / "images", moved / "images")
    faces = pd.read_csv(table, keep_default_na=False)
    faces["path"] = [path.replace(str(table.parent), str(moved)) for path in faces["path"]]
    faces.to_csv(moved / "manifest.csv", index=False)
    done = run("train", moved / "manifest.csv", "--recipe", recipe, "--to", killed)
    assert done.returncode == 0, done.stderr
    # Where the faces are now, the run remembers
    assert (killed / "manifest.csv").read_text() == (moved / "manifest.csv").read_text()
    columns = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    expected, found = (
        pd.read_csv(folder / "history.csv")[columns].to_numpy()
        for folder in (finished.folder, killed)
    )
    assert len(found) == 6
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_a_run_killed_within_an_epoch_goes_on_from_there(
    manifest: Callable[..., Path], recipe: Path, tmp_path: Path
) -> None:
    varied = recipe.read_text().replace('["flip"]', '["flip", "zoom", "light"]\ncache = false')
    varied = varied.replace("batch_size = 8", "batch_size = 2")
    recipe.write_text(varied.replace("epochs = 6", "epochs = 2"))
    table = manifest()
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run("train", table, "--recipe", recipe, "--to", whole).returncode == 0

    program, flag, code, *arguments = pilah("train", table, "--recipe", recipe, "--to", killed)
    code = f"import pilah.training.fit as fit; fit.SECONDS_BETWEEN_CHECKPOINTS = 0; {code}"
    process = subprocess.Popen(
        [program, flag, code, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )
    while not (killed / "checkpoint" / "latest.weights.h5").is_file():
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "history.csv").exists(), "killed too late, between epochs"

    assert run("train", table, "--recipe", recipe, "--to", killed).returncode == 0
    expected, found = (
        pd.read_csv(folder / "history.csv")[["val_loss", "val_accuracy"]].to_numpy()
        for folder in (whole, killed)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_ctrl_c_says_how_to_resume(
    manifest: Callable[..., Path], recipe: Path, tmp_path: Path
) -> None:
    recipe.write_text(RECIPE.format(epochs=1000))
    folder = tmp_path / "run"
    process = subprocess.Popen(
        pilah("train", manifest(), "--recipe", recipe, "--to", folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    while not (folder / "history.csv").is_file():
        assert process.poll() is None, "it ended before it could be stopped"
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert errors == "pilah: stopped. Run the same command again to resume.\n"


def half_wrong(path: Path) -> pd.DataFrame:
    """The table of a manifest, every second pair of its training labels wrong, and `right`."""
    table = pd.read_csv(path)
    taught = np.flatnonzero(table["split"] == "train")
    table.loc[taught[2::4], "label"], table.loc[taught[3::4], "label"] = "male", "female"
    table["right"] = (table["label"] == "male") == (table.index % 2 == 1)
    assert table["right"].iloc[taught].mean() == 0.5
    return table


@pytest.mark.slow
def test_a_face_without_weight_teaches_nothing(
    manifest: Callable[..., Path], recipe: Path, tmp_path: Path
) -> None:
    path = manifest(120)
    table = half_wrong(path)
    table.assign(weight=table["right"] * 1.5).to_csv(path, index=False)
    done = run("train", path, "--recipe", recipe, "--to", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    scores = pd.read_csv(tmp_path / "run" / "scores.csv")
    assert ((scores["p_male"] > 0.5) == (scores["label"] == "male")).mean() >= 0.9


@pytest.mark.slow
def test_a_teacher_is_believed_as_much_as_a_label(
    manifest: Callable[..., Path], recipe: Path, tmp_path: Path, tiny_bundle: Path
) -> None:
    """Half of the labels are wrong; a teacher of another size knows better."""
    path = manifest(120)
    half_wrong(path).to_csv(path, index=False)
    recipe.write_text(recipe.read_text() + f'teacher = "{tiny_bundle}"\ncache = false\n')
    done = run("train", path, "--recipe", recipe, "--to", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    scores = pd.read_csv(tmp_path / "run" / "scores.csv")
    assert ((scores["p_male"] > 0.5) == (scores["label"] == "male")).mean() >= 0.9


def test_what_is_wrong_is_one_line_and_leaves_nothing(
    manifest: Callable[..., Path], recipe: Path, tmp_path: Path, tiny_bundle: Path
) -> None:
    table = manifest()
    taught = []
    for number, more in enumerate(
        (
            f'teacher = "{tiny_bundle}"\n',
            'teacher = "gone"\ncache = false\n',
        )
    ):
        taught.append(tmp_path / f"taught{number}.toml")
        taught[-1].write_text(recipe.read_text() + more)
    plain = tmp_path / "plain.toml"
    plain.write_text(recipe.read_text() + "cache = false\n")
    occupied = tmp_path / "occupied"
    occupied.mkdir()
    (occupied / "notes.txt").write_text("mine")
    heavy, nothing, women = (tmp_path / f"{name}.csv" for name in ("heavy", "nothing", "women"))
    faces = pd.read_csv(table)
    faces.assign(weight="heavy").to_csv(heavy, index=False)
    faces.assign(weight="0").to_csv(nothing, index=False)
    held_out_men = (faces["split"] == "validation") & (faces["label"] == "male")
    faces[~held_out_men].to_csv(women, index=False)
    text = tmp_path / "weights.weights.h5"
    text.write_text("no weights")
    network = ("--recipe", recipe)
    cases: list[tuple[tuple[object, ...], str]] = [
        ((table, *network, "--to", occupied), "is not a run folder"),
        ((table, "--backbone", "vgg16"), "unknown backbone 'vgg16'"),
        ((table,), "give either --backbone NAME or --recipe FILE"),
        ((tmp_path / "no.csv", *network), "no file at"),
        ((heavy, *network), "has the weight 'heavy'"),
        ((nothing, *network), "has the weight 0 for every image of train"),
        ((women, *network), "has no validation images with the label male"),
        (
            (table, *network, "--pretrained", text, "--pretrained-on", "x"),
            "does not hold weights of resnet50_v2",
        ),
        ((table, *network, "--pretrained", text), "add --pretrained-on"),
        (
            (table, *network, "--pretrained", "gone", "--pretrained-on", "x"),
            "no weights at gone",
        ),
        ((table, "--recipe", taught[0]), "cached frozen layers"),
        ((table, "--recipe", taught[1]), "no model 'gone'"),
        ((table, "--recipe", plain, "--cache", "kept"), "so --cache has no effect"),
    ]
    before = sorted(tmp_path.rglob("*"))
    ends = one_after_another([("train", *words) for words, _ in cases], tmp_path)
    for (words, said), (code, told) in zip(cases, ends, strict=True):
        assert code == 2, (words, told)
        lines = [line for line in told.splitlines() if line.startswith("pilah: error: ")]
        assert len(lines) == 1 and said in lines[0], told
        assert "Traceback" not in told
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_is_one_line(
    manifest: Callable[..., Path], recipe: Path, tmp_path: Path
) -> None:
    """A limit on a file's size stands for the end of the disk: the same system call fails."""
    folder = tmp_path / "run"
    command = pilah("train", manifest(), "--recipe", recipe, "--to", folder)
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 50; exec "$@"', "limited", *command],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
    )
    assert done.returncode == 2, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("pilah: error: ")]
    assert "the disk is too full" in line and "run the same command again" in line
    assert list((folder / "checkpoint").iterdir()) == []
