"""A sort, corrected by hand and zipped: real photos, the tiny model, real files."""

import csv
import html
import io
import re
import shutil
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from photos import jpeg_of, zip_of
from PIL import Image

import pilah
from pilah.app.archive import write_folder, write_zip
from pilah.app.workspace import Workspace
from pilah.dataset.table import read_table
from pilah.texts import LANGUAGES, texts
from pilah.uploads import Refused, unpack


def sorted_workspace(tiny_bundle, portraits) -> Workspace:
    workspace = Workspace()
    photos = {f"album/{name}": data for name, data in portraits.items()}
    photos |= {"wall.jpg": jpeg_of(Image.new("RGB", (200, 200), "grey")), "broken.jpg": b"nope"}
    unpack(io.BytesIO(zip_of(photos)), workspace.source)
    model = pilah.load(tiny_bundle, workers=1)
    workspace.sort(model.predict_many, model.info)
    return workspace


def test_a_photo_that_is_gone_costs_that_photo_alone(tiny_bundle, portraits, tmp_path):
    workspace = sorted_workspace(tiny_bundle, portraits)
    gone = Path(next(photo.source for photo in workspace.photos if photo.result.faces))
    gone.unlink()
    target = tmp_path / "copy"
    assert write_folder(workspace, target, "en") == [str(gone)]
    with (target / "results.csv").open(newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    lost = rows.pop(f"album/{gone.name}")
    assert (lost["folder"], lost["destination"]) == ("not placed", "")
    assert all((target / row["destination"]).is_file() for row in rows.values())
    assert write_zip(workspace, "id").is_file()


def test_nothing_is_left_of_a_copy_that_cannot_be_finished(tiny_bundle, portraits, tmp_path):
    workspace = sorted_workspace(tiny_bundle, portraits)
    shutil.rmtree(workspace.folder)  # where its tables are made
    with pytest.raises(Refused) as refused:
        write_folder(workspace, tmp_path / "copy", "en")
    assert refused.value.why == "target_unwritable"
    assert not (tmp_path / "copy").exists()


def test_the_zip_follows_the_corrections(tiny_bundle, portraits, tmp_path):
    workspace = sorted_workspace(tiny_bundle, portraits)
    moved = next(photo for photo in workspace.photos if photo.bin in ("female", "male"))
    to = "male" if moved.bin == "female" else "female"
    before = workspace.counts()
    workspace.correct([moved], to)
    assert workspace.counts()[to] == before[to] + 1

    with zipfile.ZipFile(write_zip(workspace, "en")) as archive:
        archive.extractall(tmp_path)
        names = archive.namelist()
    reports = {"results.csv", "results.parquet", "corrections.csv", "report.html"}
    assert reports <= set(names)
    assert len(names) == len(portraits) + 2 + len(reports)

    with (tmp_path / "results.csv").open(newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    assert set(rows) == {*(f"album/{name}" for name in portraits), "wall.jpg", "broken.jpg"}
    for row in rows.values():
        assert row["destination"].startswith(row["folder"] + "/")
        assert (tmp_path / row["destination"]).is_file()
    name = workspace.name_of(moved)
    assert (rows[name]["bin"], rows[name]["folder"]) == (moved.bin, to)
    assert rows[name]["label"] == to
    assert (tmp_path / rows[name]["destination"]).read_bytes() == portraits[name[len("album/") :]]
    assert rows["wall.jpg"]["bin"] == "no_face"

    table = read_table(tmp_path / "corrections.csv")  # as `pilah prepare` reads it
    assert table[["path", "label"]].to_numpy().tolist() == [
        [str(tmp_path / rows[name]["destination"]), to]
    ]
    wide = pq.read_table(tmp_path / "results.parquet").to_pylist()
    assert {row["path"]: row["folder"] for row in wide} == {
        path: row["folder"] for path, row in rows.items()
    }


def test_moving_back_is_no_correction(tiny_bundle, portraits):
    workspace = sorted_workspace(tiny_bundle, portraits)
    photo = workspace.photos[0]
    workspace.correct([photo], "mixed")
    workspace.correct([photo], photo.bin)
    assert workspace.corrections == {}


def test_each_step_is_taken_back_alone_and_the_share_follows(tiny_bundle, portraits):
    workspace = sorted_workspace(tiny_bundle, portraits)

    def women() -> float:
        return workspace.share(workspace.tally()).raw.value

    before = women()
    women_found = [photo for photo in workspace.photos if photo.bin == "female"]
    workspace.correct(women_found, "male")
    assert women() == 0.0
    workspace.correct(women_found[:1], "unsure")
    assert workspace.counts()["unsure"] == 1
    assert workspace.undo() == tuple(women_found[:1])
    assert workspace.counts()["male"] == len(portraits)
    assert set(workspace.undo()) == set(women_found)
    assert (workspace.corrections, workspace.can_undo, women()) == ({}, False, before)
    assert workspace.undo() == ()


def test_nothing_is_left_behind(tiny_bundle, portraits):
    workspace = sorted_workspace(tiny_bundle, portraits)
    folder = workspace.folder
    assert (folder / "sorted" / "report.html").is_file()
    workspace.remove()
    assert not folder.exists()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_speaks_the_pages_language_and_names_what_is_in_the_zip(
    tiny_bundle, portraits, language
):
    workspace = sorted_workspace(tiny_bundle, portraits)
    with zipfile.ZipFile(write_zip(workspace, language)) as archive:
        report = html.unescape(archive.read("report.html").decode())
        names = archive.namelist()
    written = re.sub(r"<style>.*?</style>|<image[^>]*>", "", report, flags=re.DOTALL)
    assert f'<html lang="{language}">' in report
    assert texts(language)("report.share") in written
    (other,) = LANGUAGES.keys() - {language}
    foreign = [text for key, text in texts(other).by_key.items() if key.startswith("report.")]
    same = set(texts(language).by_key.values())
    assert [
        text for text in foreign if len(text) > 12 and text in written and text not in same
    ] == []
    assert (texts("id")("unreadable.not_an_image") in written) == (language == "id")
    files = set(re.findall(r"[\w-]+\.(?:csv|parquet|html|md|jpg)\b", written))
    assert files
    assert files <= {name.rpartition("/")[2] for name in names}
    assert str(workspace.folder) not in report


def test_a_temporary_folder_behind_a_link(tiny_bundle, portraits, tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "link"))
    workspace = sorted_workspace(tiny_bundle, portraits)
    names = {workspace.name_of(photo) for photo in workspace.photos}
    assert names == {*(f"album/{name}" for name in portraits), "wall.jpg", "broken.jpg"}
    assert write_zip(workspace, "en").is_file()


def test_a_folder_behind_a_link(tiny_bundle, portraits, tmp_path):
    (tmp_path / "real" / "album").mkdir(parents=True)
    (tmp_path / "real" / "album" / "one.jpg").write_bytes(next(iter(portraits.values())))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    model = pilah.load(tiny_bundle, workers=1)
    for source in (tmp_path / "link", tmp_path / "real" / ".." / "link"):
        workspace = Workspace(source)
        workspace.sort(model.predict_many, model.info)
        assert [workspace.name_of(photo) for photo in workspace.photos] == ["album/one.jpg"]
        assert write_zip(workspace, "en").is_file()
