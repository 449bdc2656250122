"""Photos become crops of faces: of real portraits, in real files, by processes that are killed."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pilah.app.samples import sample_photos
from pilah.dataset.faces import FRAME, SIZE_HW
from pilah.dataset.manifest import read_manifest
from pilah.dataset.prepare import prepare
from pilah.errors import DataError
from pilah.faces.detect import Detector
from pilah.faces.picture import Picture
from pilah.faces.search import search


@pytest.fixture(scope="module")
def portraits() -> list[Image.Image]:
    samples = sample_photos()
    if len(samples) < 2:
        pytest.skip("the two sample portraits are not installed (matplotlib and scikit-image)")
    return [Image.open(path).convert("RGB") for path in samples.values()]


def photos_in(folder: Path, portraits: list[Image.Image], number: int) -> list[Path]:
    """Photos of two people, no two alike: `female/a` and `male/b`, half of them each."""
    paths = []
    for count in range(number):
        label = ("female", "male")[count % 2]
        path = folder / label / f"{count:02} of {label}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        width = 300 + 8 * count
        image = portraits[count % 2]
        image.resize((width, round(width * image.height / image.width))).save(path, quality=90)
        paths.append(path)
    return paths


def test_photos_become_crops_of_their_main_faces(portraits, tmp_path):
    photos = photos_in(tmp_path / "photos", portraits, 14)
    wall, broken = (tmp_path / "photos" / "male" / name for name in ("wall.jpg", "broken.jpg"))
    Image.new("RGB", (300, 200), "grey").save(wall)
    broken.write_bytes(b"nope")
    summary = prepare(tmp_path / "photos", tmp_path / "out")
    assert summary.left_out == {
        str(broken): "not an image, or of a kind that is not supported",
        str(wall): "no face found",
    }
    frame = read_manifest(tmp_path / "out" / "manifest.csv")
    assert sorted(frame["photo"]) == sorted(map(str, photos))
    for crop, photo, label in zip(frame["path"], frame["photo"], frame["label"], strict=True):
        place = Path(photo).relative_to(tmp_path / "photos")
        assert Path(crop) == tmp_path / "out" / "faces" / place.with_name(f"{place.name}.png")
        assert place.parts[0] == label
        picture = Picture(crop)
        assert picture.size_hw == SIZE_HW
        (face, *_) = search(picture, Detector(), min_face=20, min_share=1).detections
        assert face.box.height == pytest.approx(SIZE_HW[0] / FRAME.height, rel=0.25)


def test_ready_crops_stay_as_they_are(portraits, tmp_path):
    photos = photos_in(tmp_path / "photos", portraits, 12)
    prepare(tmp_path / "photos", tmp_path / "out", crops=True)
    frame = read_manifest(tmp_path / "out" / "manifest.csv")
    assert sorted(frame["path"]) == sorted(map(str, photos))
    assert "photo" not in frame.columns
    assert not (tmp_path / "out" / "faces").exists()


def test_a_manifest_of_crops_is_cut_out_of_their_photos_again(portraits, tmp_path):
    photos = photos_in(tmp_path / "photos", portraits, 12)
    prepare(tmp_path / "photos", tmp_path / "out")
    prepare(tmp_path / "out" / "manifest.csv", tmp_path / "again", seed=1)
    first, again = (read_manifest(tmp_path / to / "manifest.csv") for to in ("out", "again"))
    assert sorted(again["photo"]) == sorted(map(str, photos))
    for one, other in zip(sorted(first["path"]), sorted(again["path"]), strict=True):
        assert Path(one).read_bytes() == Path(other).read_bytes()

    two = tmp_path / "two.csv"
    again.assign(photo=str(photos[0])).to_csv(two, index=False)
    with pytest.raises(DataError, match=r"has several; use the crops themselves with --crops"):
        prepare(two, tmp_path / "two")
    photos[0].unlink()
    with pytest.raises(DataError, match=rf"{photos[0].name} is missing; use the crops themselves"):
        prepare(tmp_path / "out" / "manifest.csv", tmp_path / "third")
    prepare(tmp_path / "out" / "manifest.csv", tmp_path / "third", crops=True)


def test_corrections_of_a_sort_are_photos(portraits, tmp_path):
    photos = photos_in(tmp_path / "sorted", portraits, 12)
    with (tmp_path / "sorted" / "corrections.csv").open("w", newline="") as file:
        rows = [(photo.relative_to(tmp_path / "sorted"), photo.parts[-2]) for photo in photos]
        csv.writer(file).writerows([("path", "label"), *rows])
    prepare(tmp_path / "sorted" / "corrections.csv", tmp_path / "out")
    frame = read_manifest(tmp_path / "out" / "manifest.csv")
    assert sorted(frame["photo"]) == sorted(map(str, photos))
    assert all(path.endswith(".jpg.png") for path in frame["path"])


def test_contradicting_photos_are_named_and_not_their_crops(portraits, tmp_path):
    photos = photos_in(tmp_path / "photos", portraits, 12)
    again = tmp_path / "photos" / "male" / "again.jpg"
    again.write_bytes(photos[0].read_bytes())
    summary = prepare(tmp_path / "photos", tmp_path / "out")
    assert summary.left_out == {
        str(photos[0]): f"labelled female, but {again} is the same, labelled male",
        str(again): f"labelled male, but {photos[0]} is the same, labelled female",
    }


def test_a_stopped_prepare_resumes_and_no_crop_is_half_written(portraits, tmp_path):
    photos = photos_in(tmp_path / "photos", portraits, 60)
    faces = tmp_path / "out" / "faces"
    code = "from pilah.cli import main; main()"
    command = [sys.executable, "-c", code, "prepare", str(tmp_path / "photos")]
    with subprocess.Popen([*command, "--to", str(tmp_path / "out")]) as process:
        while process.poll() is None and len(list(faces.rglob("[!.]*.png"))) < 5:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    first = {path: path.stat() for path in faces.rglob("[!.]*.png")}
    assert 5 <= len(first) < len(photos)
    for path in first:
        assert np.asarray(Image.open(path)).shape == (*SIZE_HW, 3)
    changed, crop = photos[0], faces / "female" / f"{photos[0].name}.png"
    portraits[1].resize((400, 400)).save(changed)

    prepare(tmp_path / "photos", tmp_path / "out")
    after = {path: path.stat() for path in faces.rglob("*.png")}
    assert len(after) == len(photos)
    kept = first.keys() - {crop}
    assert {path: after[path].st_ino for path in kept} == {
        path: first[path].st_ino for path in kept
    }
    assert crop not in first or after[crop].st_ino != first[crop].st_ino


def test_a_folder_that_cannot_be_written_is_one_line(portraits, tmp_path):
    photos_in(tmp_path / "photos", portraits, 12)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "faces").write_text("in the way")
    with pytest.raises(DataError, match="choose another --to"):
        prepare(tmp_path / "photos", tmp_path / "out")
