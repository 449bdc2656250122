"""Killed, stopped, grown: the same command does what is missing, and each photo has one row."""

import json
import os
import signal
from pathlib import Path

import pytest

import pilah
from pilah.cluster.listing import Listing
from tests.cluster.classified import (
    ENDS_ITS_READER,
    face,
    finish,
    once,
    processes,
    start,
    summary,
    wait_until,
    write_photos,
)

KILLED_IN_A_WRITE = """
import os, signal
def replace(draft, path, real=os.replace):
    if str(path).endswith("part-000001.parquet"):
        os.kill(os.getpid(), signal.SIGKILL)
    real(draft, path)
os.replace = replace
"""
KILLED_WHILE_LISTING = """
import os, signal
from pilah.cluster import listing
from pilah.cluster.listing import Listing
listing.AT_ONCE = 1
def cut(self, number, *rest, real=Listing._cut):
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, number, *rest)
Listing._cut = cut
"""
FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "photos", 150)


@pytest.mark.parametrize("before", [KILLED_IN_A_WRITE, KILLED_WHILE_LISTING])
def test_killed_in_the_middle_of_a_write(tmp_path: Path, photos: Path, before: str) -> None:
    target = tmp_path / "out"
    assert finish(tmp_path, photos, "--to", target, before=before)[0] == -signal.SIGKILL
    kept = {path: path.stat().st_mtime_ns for path in target.glob("part-*")}
    assert len(kept) == (before == KILLED_IN_A_WRITE)
    assert not (target / "summary.json").exists()
    code, out, err = finish(tmp_path, photos, "--to", target)
    assert (code, err) == (0, "") and f"answered {150 - 64 * len(kept)} photos" in out
    assert set(once(target)) == {str(path) for path in photos.iterdir()}
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert not [path for path in target.iterdir() if path.name.startswith(".draft")]


def test_new_photos_are_added_and_nothing_is_done_twice(tmp_path: Path, photos: Path) -> None:
    target = tmp_path / "out"
    assert finish(tmp_path, photos, "--to", target)[0] == 0
    before = {path: path.read_bytes() for path in target.glob("[!.]*")}
    code, out, _ = finish(tmp_path, photos, "--to", target)
    assert code == 0 and "nothing was missing" in out
    assert {path: path.read_bytes() for path in target.glob("[!.]*")} == before
    write_photos(photos, 5, start=150)
    code, out, _ = finish(tmp_path, photos, "--to", target)
    assert code == 0 and "answered 5 photos" in out
    assert len(once(target)) == 155 and summary(target)["photos"] == 155
    code, out, err = finish(tmp_path, photos, "--to", target, "--min-face", "0.2")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "give the same options again, or another --to" in err
    (target / ".pilah" / "listing.sqlite").unlink()
    code, out, err = finish(tmp_path, photos, "--to", target)
    assert (code, out, err.count("\n")) == (2, "", 1) and "not the list" in err


def test_a_photo_that_ends_its_process_is_a_row_and_answers_are_those_of_predict(
    tmp_path: Path,
) -> None:
    photos, target = write_photos(tmp_path / "photos", 3), tmp_path / "out"
    face(ENDS_ITS_READER).save(photos / "0001.jpg")
    code, out, err = finish(tmp_path, photos, "--to", target, "--json")
    said = json.loads(out)
    assert code == 1 and "error: reading it ended the process: 1 photo" in err
    assert said["photos"] == 3 and sum(said["errors"].values()) == said["done"] - 2 == 1
    found = once(target)
    error = found[str(photos / "0001.jpg")]["error"]
    assert error == "reading it ended the process: damaged, or too large"
    for name in ("0000.jpg", "0002.jpg"):
        expected = pilah.load(workers=1).predict(photos / name)
        row = found[str(photos / name)]
        assert row["size"] == dict(zip(("height", "width"), expected.size_hw or (), strict=True))
        (answer,), (one,) = row["faces"], expected.faces
        assert answer == {
            "box": dict(zip(("left", "top", "right", "bottom"), one.to_json()["box"], strict=True)),
            "p_male": one.p_male,
            "label": one.label,
            "score": one.detector_score,
            "rotation": expected.rotation,
            "tilt": one.tilt,
            "height": one.height,
        }
        assert (row["model"], row["version"]) == tuple(said["model"].split())


def test_a_stopped_run_says_one_line_and_leaves_no_process(tmp_path: Path, photos: Path) -> None:
    target = tmp_path / "out"
    process = start(tmp_path, photos, "--to", target)
    wait_until(lambda: list(target.glob("part-*")))
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err == "pilah: stopped. Run the same command again to resume.\n"
    wait_until(lambda: not processes(tmp_path))


def test_a_full_disk_and_a_folder_in_use_are_one_line(tmp_path: Path, photos: Path) -> None:
    target = tmp_path / "out"
    code, out, err = finish(tmp_path, photos, "--to", target, before=FULL)
    assert (code, out, err.count("\n")) == (2, "", 1) and "make room" in err
    (tmp_path / "file").write_text("")
    code, _, err = finish(tmp_path, photos, "--to", tmp_path / "file")
    assert (code, err.count("\n")) == (2, 1) and "is a file" in err
    with Listing(tmp_path / "used", "a model"):
        code, _, err = finish(tmp_path, photos, "--to", tmp_path / "used")
    assert (code, err.count("\n")) == (2, 1) and "in use by another" in err


def test_report_counts_the_shards(tmp_path: Path) -> None:
    photos, target = write_photos(tmp_path / "photos", 3), tmp_path / "out"
    (photos / "0001.jpg").write_bytes(b"no photo")
    finish(tmp_path, photos, "--to", target)
    code, out, err = finish(tmp_path, target, before="import sys; sys.argv[1] = 'report'\n")
    assert code == 0 and "in 3 photos" in out and "Women among 2 clear faces" in out
    assert err.count("\n") == 1 and "not an image" in err
    (target / "part-000000.parquet").write_bytes(b"broken")
    code, out, err = finish(tmp_path, target, before="import sys; sys.argv[1] = 'report'\n")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "delete it and run `pilah classify` again" in err
