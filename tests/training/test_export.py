"""From a run on real faces to a bundle that answers as Keras did."""

import csv
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pilah.dataset.faces import FRAME
from pilah.faces.crop import centre_crop
from pilah.images import read
from pilah.models.bundle import open_bundle
from pilah.models.classifier import Classifier
from tests.training.tiny import TINY

RECIPE = f"""{TINY}
mirror = true
[train]
epochs = 2
learning_rate = 0.01
"""


def pilah(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from pilah.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


@pytest.fixture(scope="module")
def run(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on 150 faces."""
    folder = tmp_path_factory.mktemp("export")
    celeba = shared / "data" / "celeba5017"
    with (folder / "faces.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "source"])
        lines = (celeba / "list_attr_celeba.txt").read_text().splitlines()[2:152]
        for name, *values in map(str.split, lines):
            label = "male" if values[20] == "1" else "female"
            writer.writerow([celeba / "img_align_celeba" / name, label, "CelebA"])
    (folder / "tiny.toml").write_text(RECIPE)
    manifest = folder / "prepared" / "manifest.csv"
    for step in (
        ("prepare", folder / "faces.csv", "--crops", "--to", manifest.parent, "--split", "random"),
        ("train", manifest, "--recipe", folder / "tiny.toml", "--to", folder / "run"),
    ):
        done = pilah(*step)
        assert done.returncode == 0, done.stderr
    return folder / "run"


@pytest.mark.slow
def test_the_bundle_answers_as_keras_did(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    done = pilah("export", run, "--to", path, "--name", "tiny", "--licence", "research only")
    assert done.returncode == 0, done.stderr
    bundle = open_bundle(path)
    info = bundle.info
    assert (info.name, info.licence, info.size_hw) == ("tiny", "research only", (64, 52))
    assert "105 faces (105 of CelebA)" in info.trained_on
    # A detector's box ends at the forehead and the chin; the crop shows the hair too
    assert 1.2 < info.frame.height < 3
    scores = pd.read_csv(run / "scores.csv")
    faces = sum(sum(vars_of(counts)) for counts in info.validation.values())
    photos = (scores["split"] == "validation").sum()
    assert info.from_photos is not None and info.from_photos.photos == photos
    assert faces == photos - info.from_photos.no_face > 0.9 * photos
    crops = np.stack([centre_crop(read(face).image, info.size_hw) for face in scores["path"]])
    # Keras answers by both looks at every face
    assert info.second_look is not None
    always = Classifier(replace(bundle, info=replace(info, second_look=1.1)))
    found = logit(always.p_male(crops).astype(float)) * info.temperature
    np.testing.assert_allclose(found, logit(scores["p_male"].to_numpy()), atol=2e-3)

    again = pilah("export", run, "--to", path)
    assert again.returncode == 2 and "name another file with --to" in again.stderr


def vars_of(counts: object) -> tuple[int, int, int]:
    return counts.female, counts.male, counts.unsure  # type: ignore[attr-defined]


def logit(p: np.ndarray) -> np.ndarray:
    return np.log(p / (1 - p))


@pytest.mark.slow
def test_crops_of_two_sizes_show_no_frame(run: Path, tmp_path: Path) -> None:
    """The first training face is put aside for a larger copy of it."""
    own = pd.read_csv(run / "manifest.csv", keep_default_na=False)
    other = own.copy()
    first = other.index[other["split"] == "train"][0]
    larger = tmp_path / "larger.png"
    Image.open(other.loc[first, "path"]).resize((300, 300)).save(larger)
    other.loc[first, "path"] = str(larger)
    mixed = tmp_path / "mixed.csv"
    other.to_csv(mixed, index=False)
    path = tmp_path / "model.onnx"
    refused = pilah("export", run, "--to", path, "--frame-from", mixed)
    assert refused.returncode == 2
    assert "have 2 sizes; give a manifest" in refused.stderr
    assert not path.exists()

    frames = ("--frame-from", run / "manifest.csv", "--frame-zoom", "0.5")
    done = pilah("export", run, "--to", path, *frames)
    assert done.returncode == 0, done.stderr
    # Half of the frame that the first test expects
    assert 0.6 < open_bundle(path).info.frame.height < 1.5


@pytest.mark.slow
def test_roomy_and_tight_photos_train_one_model(run: Path, tmp_path: Path) -> None:
    """Its frame is the one that `pilah prepare` cuts with: only a tight photo gives less."""
    for number, path in enumerate(pd.read_csv(run / "manifest.csv")["path"][:24]):
        image, label = Image.open(path), ("female", "male")[number // 2 % 2]
        photo = tmp_path / "photos" / label / f"{number}.png"
        photo.parent.mkdir(parents=True, exist_ok=True)
        (image.crop((32, 48, 146, 188)) if number % 2 else image).save(photo)
    faces = tmp_path / "faces" / "manifest.csv"
    done = pilah("prepare", tmp_path / "photos", "--to", faces.parent, "--split", "random")
    assert done.returncode == 0, done.stderr
    path = tmp_path / "model.onnx"
    done = pilah("export", run, "--to", path, "--frame-from", faces)
    assert done.returncode == 0, done.stderr
    assert open_bundle(path).info.frame == FRAME

    crops = pd.read_csv(faces, keep_default_na=False)
    larger = tmp_path / "larger.csv"
    folder = tmp_path / "own"
    folder.mkdir()
    for number, crop in enumerate(crops["path"]):
        Image.open(crop).resize((200, 250)).save(folder / f"{number}.png")
    own = [str(folder / f"{number}.png") for number in crops.index]
    crops.assign(path=own).to_csv(larger, index=False)
    refused = pilah("export", run, "--to", tmp_path / "other.onnx", "--frame-from", larger)
    assert refused.returncode == 2, "a user's own crops, whose photos they name"
    assert "give a manifest of crops of one kind with --frame-from" in refused.stderr

    Path(crops.loc[crops["split"] == "train", "path"].iloc[0]).rename(tmp_path / "away.png")
    refused = pilah("export", run, "--to", tmp_path / "other.onnx", "--frame-from", faces)
    assert refused.returncode == 2
    assert "crops that show the frame are missing, such as" in refused.stderr
    (tmp_path / "away.png").rename(crops.loc[crops["split"] == "train", "path"].iloc[0])

    ready = tmp_path / "ready.csv"
    pd.read_csv(faces, keep_default_na=False).drop(columns="photo").to_csv(ready, index=False)
    refused = pilah("export", run, "--to", tmp_path / "other.onnx", "--frame-from", ready)
    assert refused.returncode == 2
    assert "give a manifest of crops of one kind with --frame-from" in refused.stderr


@pytest.mark.slow
def test_validation_photos_are_needed(run: Path, tmp_path: Path) -> None:
    """What is measured on those that happen to be left would be wrong, and not say so."""
    copy, photos = tmp_path / "run", tmp_path / "photos"
    shutil.copytree(run, copy)
    photos.mkdir()
    table = pd.read_csv(copy / "manifest.csv", keep_default_na=False)
    table["photo"] = ""
    held_out = table.index[table["split"] == "validation"]
    for row in held_out:
        photo = photos / f"{row}.png"
        shutil.copyfile(table.loc[row, "path"], photo)
        table.loc[row, "photo"] = str(photo)
    table.to_csv(copy / "manifest.csv", index=False)
    path = tmp_path / "model.onnx"

    gone = photos / f"{held_out[3]}.png"
    gone.rename(tmp_path / "elsewhere.png")
    refused = pilah("export", copy, "--to", path)
    assert refused.returncode == 2
    assert f"1 of {len(held_out)} validation photos are missing, such as {gone}" in refused.stderr

    gone.write_text("no photo")
    refused = pilah("export", copy, "--to", path)
    assert refused.returncode == 2
    assert f"the validation photo {gone} cannot be read" in refused.stderr

    (tmp_path / "elsewhere.png").rename(gone)
    for photo in table.loc[
        (table["split"] == "validation") & (table["label"] == "female"), "photo"
    ]:
        Image.new("RGB", (100, 100)).save(photo)
    refused = pilah("export", copy, "--to", path)
    assert refused.returncode == 2
    assert "no face was found in validation photos with the label female" in refused.stderr
    assert sorted(tmp_path.iterdir()) == [photos, copy]


def test_few_validation_faces_still_give_a_model_and_it_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from pilah.training.calibration import Looks, calibrate

    # The surest face is wrong: no minimum confidence brings the error down to 1%
    p_male = np.concatenate([[0.99], np.full(60, 0.9), np.full(39, 0.6)])
    labels = np.concatenate([[0], np.ones(60), np.zeros(15), np.ones(24)]).astype(np.int64)
    calibration = calibrate(Looks(labels, p_male, None), 0.01)
    clear = np.maximum(calibration.calibrated, 1 - calibration.calibrated)
    assert (clear >= calibration.min_confidence).sum() == 61
    said = capsys.readouterr().out
    assert "100 validation faces do not support an error of 1.0%" in said
    assert "--max-error" in said and "61 faces" in said

    calibrate(Looks(labels, p_male, None), 0.2)
    assert capsys.readouterr().out == ""
