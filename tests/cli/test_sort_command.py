"""`pilah sort`, `undo` and `report` as a user runs them."""

import json
import os
from pathlib import Path

import pytest
import skimage.data
from PIL import Image
from typer.testing import CliRunner

from pilah.cli import program


def run(*arguments: str | Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(program, list(map(str, arguments)), prog_name="pilah")
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    face = Image.fromarray(skimage.data.astronaut()).crop((120, 0, 330, 210))
    face.save(folder / "face.jpg")
    face.save(folder / "sub/face.jpg", quality=40)
    Image.new("RGB", (40, 40), "navy").save(folder / "wall.png")
    (folder / "face.xmp").write_text("edited")
    (folder / "film.mp4").write_text("a film")
    (folder / "bad.jpg").write_text("not a photo")
    return folder


def files_below(folder: Path) -> set[str]:
    return {
        str(path) for path in folder.rglob("*") if path.is_file() and ".pilah" not in path.parts
    }


@pytest.mark.parametrize("options", [(), ("--tree",), ("--faces",), ("--move",), ("--link",)])
def test_a_dry_run_lists_every_destination(
    photos: Path, tiny_bundle: Path, options: tuple[str, ...]
) -> None:
    target = photos.parent / "out"
    target.mkdir()
    (target / "mixed").mkdir()
    command = ("sort", photos, "--to", target, "--model", tiny_bundle, *options)
    code, out, err = run(*command, "--dry-run", "--json")
    assert (code, err) == (1, "")  # bad.jpg
    planned = json.loads(out)
    assert files_below(target) == set()
    code, out, _ = run(*command, "--json")
    assert code == 1
    done = json.loads(out)
    assert (done["counts"], done["failed"]) == (planned["counts"], planned["failed"])
    listed = {place for photo in planned["planned"] for place in photo["destinations"]}
    reports = {str(path) for path in target.iterdir() if path.is_file()}
    assert files_below(target) - reports - listed == {
        str(Path(place).with_suffix(".xmp"))
        for place in listed
        if place.endswith("/face.jpg") and "sub" not in place
    }
    assert listed <= files_below(target)


def test_a_dry_run_prints_each_photo_and_what_is_skipped(photos: Path, tiny_bundle: Path) -> None:
    target = photos.parent / "out"
    command = ("sort", photos, "--to", target, "--model", tiny_bundle)
    code, out, err = run(*command, "--dry-run")
    assert code == 1
    assert f"{photos}/wall.png -> {target}/no_face/wall.png" in out.splitlines()
    assert f"{photos}/bad.jpg -> {target}/unreadable/bad.jpg" in out.splitlines()
    assert "skipped, not photos: 1 video" in out
    assert f"video: {photos}/film.mp4" in out and "pilah video VIDEO --to DIR" in out
    assert "unreadable: " in err and not target.exists()


def test_the_report_names_the_videos_that_were_skipped(photos: Path, tiny_bundle: Path) -> None:
    target = photos.parent / "out"
    run("sort", photos, "--to", target, "--model", tiny_bundle)
    page = (target / "report.html").read_text()
    assert f"<li>{photos}/film.mp4</li>" in page and "pilah video VIDEO --to DIR" in page
    (photos / "film.mp4").rename(photos / "party.mp4")
    _, out, _ = run("sort", photos, "--to", target, "--model", tiny_bundle)
    assert f"video: {photos}/party.mp4" in out
    assert "film.mp4" not in (target / "report.html").read_text()
    assert "pilah video VIDEO --to DIR" in run("report", target)[1]


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        ("no folder", "cannot write to"),
        ("file", "is a file"),
        ("report", "report.html exists and is not from pilah"),
        ("bin", "is a file, but the sort needs a folder there"),
        ("other options", "was sorted with mode 'link', not mode 'copy'"),
        ("full", "MB free; make room"),
    ],
)
def test_a_dry_run_fails_where_the_sort_would(
    photos: Path, tiny_bundle: Path, prepare: str, words: str
) -> None:
    target = photos.parent / "out"
    if prepare == "no folder":
        target = photos.parent / "nowhere/out"
    elif prepare == "file":
        target.write_text("mine")
    elif prepare in ("report", "bin"):
        target.mkdir()
        (target / ("report.html" if prepare == "report" else "male")).write_text("mine")
    elif prepare == "other options":
        run("sort", photos, "--to", target, "--model", tiny_bundle, "--link")
    else:
        with (photos / "huge.jpg").open("wb") as file:
            file.truncate(2**43)  # has holes, so it takes no room
    code, out, err = run("sort", photos, "--to", target, "--model", tiny_bundle, "--dry-run")
    assert (code, out) == (2, "")
    assert words in err and len(err.splitlines()) == 1
    if prepare != "full":
        real, _, err = run("sort", photos, "--to", target, "--model", tiny_bundle)
        assert real == 2 and words in err


def test_faces_counts_what_it_writes(photos: Path, tiny_bundle: Path) -> None:
    target = photos.parent / "out"
    command = ("sort", photos, "--to", target, "--model", tiny_bundle, "--faces", "--json")
    counts = json.loads(run(*command)[1])["counts"]
    assert sum(counts.values()) == 2
    assert counts == {bin: len(list(target.glob(f"{bin}/*"))) for bin in counts}
    assert json.loads(run("report", target, "--json")[1])["bins"] == counts


def test_corrections_from_sort_to_undo(photos: Path, tiny_bundle: Path) -> None:
    before = {path: Path(path).read_bytes() for path in files_below(photos)}
    target = photos.parent / "out"
    command = ("sort", photos, "--to", target, "--model", tiny_bundle, "--move")
    assert run(*command)[0] == 1
    (target / "female").mkdir(exist_ok=True)
    (target / "no_face/wall.png").rename(target / "female/wall.png")
    code, out, _ = run(*command)
    assert (code, "1 corrected by hand" in out) == (1, True)
    assert (target / "corrections.csv").read_text() == "path,label\nfemale/wall.png,female\n"
    now = photos.parent / "home"
    now.mkdir()
    assert run("undo", target, "--to", now)[:2] == (0, "Restored: 4 photos\n")
    assert not target.exists()
    after = {path: Path(path).read_bytes() for path in files_below(now)}
    after |= {path: Path(path).read_bytes() for path in files_below(photos)}
    expected = {path.replace(str(photos), str(now)): text for path, text in before.items()}
    film = str(now / "film.mp4")  # was never moved
    expected[str(photos / "film.mp4")] = expected.pop(film)
    assert after == expected


def test_undo_asks_where_a_renamed_folder_is(photos: Path, tiny_bundle: Path) -> None:
    home = photos.parent / "home"
    home.mkdir()
    source = photos.rename(home / "in")
    target = home.parent / "out"
    run("sort", source, "--to", target, "--model", tiny_bundle, "--move")
    home.rename(home.parent / "disk")
    code, out, err = run("undo", target)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert f"would go back to {source}" in err and "--to DIR" in err
    assert not home.exists()
    assert run("undo", target, "--to", home.parent / "disk/in")[0] == 0
    assert os.listdir(home.parent) == ["disk"]
