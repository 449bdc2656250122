"""Files that belong to a photo travel with it; what is left out is named by kind."""

import os
from pathlib import Path

import pytest
from folders import answers, tree_of, write

from pilah.sorting import SortOptions, plan_photos, sort_photos, undo_sort
from pilah.sorting.kinds import companions, in_words
from pilah.sorting.transfer import Mode
from pilah.sorting.walk import find_photos

pytestmark = pytest.mark.usefixtures("disk_kind")


def names_below(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if not path.is_dir() and ".pilah" not in path.parts
    }


@pytest.fixture(autouse=True)
def no_raw_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pilah.sorting.kinds.reads_raw", lambda: False)


@pytest.mark.parametrize(
    ("photo", "name"),
    [
        ("IMG_1.JPG", "IMG_1.xmp"),
        ("IMG_1.JPG", "IMG_1.JPG.xmp"),
        ("IMG_1.JPG", "img_1.AAE"),
        ("IMG_1.HEIC", "IMG_1.MOV"),
        ("IMG_1.JPG", "IMG_1.CR2"),
        ("IMG_1.JPG", "IMG_1.CR2.xmp"),
        ("a.b.jpg", "a.b.nef"),
    ],
)
def test_a_companion_is_known_by_its_name(photo: str, name: str) -> None:
    assert companions([photo, name]) == {photo: [name]}


@pytest.mark.parametrize("name", ["IMG_2.xmp", "IMG_1.txt", "IMG_1.mp4", "IMG_10.mov", "xmp"])
def test_another_file_is_none(name: str) -> None:
    assert companions(["IMG_1.JPG", name]) == {"IMG_1.JPG": []}


def test_a_companion_goes_with_one_photo() -> None:
    found = companions(["a.png", "a.jpg", "a.xmp", "a.png.xmp", "a.jpg.xmp"])
    assert found == {"a.jpg": ["a.jpg.xmp", "a.xmp"], "a.png": ["a.png.xmp"]}


def test_a_raw_file_that_can_be_read_is_a_companion_beside_a_jpeg_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ["a.jpg", "a.cr2", "b.cr2", "b.xmp"]
    assert companions(names) == {"a.jpg": ["a.cr2"]}
    monkeypatch.setattr("pilah.sorting.kinds.reads_raw", lambda: True)
    assert companions(names) == {"a.jpg": ["a.cr2"], "b.cr2": ["b.xmp"]}


@pytest.mark.parametrize("mode", ["copy", "move", "link"])
def test_companions_are_placed_and_restored_with_their_photo(tmp_path: Path, mode: Mode) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    for name in ("f-1.jpg", "f-1.xmp", "f-1.CR2", "m-2.heic", "m-2.mov", "bad-3.jpg", "bad-3.aae"):
        write(source / name)
    write(source / "sub/f-1.jpg", "another")
    write(source / "sub/f-1.jpg.xmp", "its edit")
    before = tree_of(tmp_path)
    summary = sort_photos([str(source)], target, answers, SortOptions(mode=mode))
    assert (summary.photos, summary.skipped) == (4, {})
    assert names_below(target) == {
        *("female/f-1.jpg", "female/f-1.xmp", "female/f-1.CR2"),
        *("female/f-1 (2).jpg", "female/f-1 (2).jpg.xmp"),
        *("male/m-2.heic", "male/m-2.mov", "unreadable/bad-3.jpg", "unreadable/bad-3.aae"),
    }
    assert (target / "female/f-1 (2).jpg.xmp").read_text() == "its edit"
    assert names_below(source) == (set() if mode == "move" else names_below(source))
    assert sort_photos([str(source)], target, answers, SortOptions(mode=mode)).added == 0
    undone = undo_sort(target)
    assert (undone.restored, undone.left) == (4, ())
    assert tree_of(tmp_path) == before


def test_a_photo_whose_companion_cannot_travel_stays_with_it(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    write(source / "f-1.jpg")
    write(tmp_path / "elsewhere.xmp")
    (source / "f-1.xmp").symlink_to("../elsewhere.xmp")
    before = tree_of(source)
    summary = sort_photos([str(source)], target, answers, SortOptions(mode="move"))
    ((path, why),) = summary.not_placed
    assert path == str(source / "f-1.jpg")
    assert why.startswith("f-1.xmp, which belongs to it: is a symbolic link")
    assert tree_of(source) == before


def test_a_photo_and_its_companion_may_both_be_named(tmp_path: Path) -> None:
    named = [str(write(tmp_path / "in" / name)) for name in ("f-1.cr2", "f-1.jpg")]
    summary = sort_photos(named, tmp_path / "out", answers, SortOptions())
    assert (summary.added, summary.skipped) == (1, {})
    assert names_below(tmp_path / "out") == {"female/f-1.jpg", "female/f-1.cr2"}


def test_what_is_no_photo_is_counted_by_kind(tmp_path: Path) -> None:
    source = tmp_path / "in"
    for name in ("a.mp4", "b.MOV", "c.nef", "d.xmp", "e.txt", "README", "Thumbs.db"):
        write(source / name)
    for plan_or_sort in (plan_photos, sort_photos):
        summary = plan_or_sort([str(source)], tmp_path / "out", answers, SortOptions())
        assert in_words(summary.skipped) == (
            "2 videos, 1 file without an extension, 1 RAW file without a JPEG, "
            "1 edit file without its photo, 1 .txt file"
        )


@pytest.mark.parametrize(
    "folder",
    ["@eaDir", "#recycle", "$RECYCLE.BIN", ".Trash-1000", "__MACOSX", "System Volume Information"],
)
def test_thumbnails_and_recycle_bins_are_not_photos(tmp_path: Path, folder: str) -> None:
    write(tmp_path / "in/f-1.jpg")
    write(tmp_path / "in/sub" / folder / "f-2.jpg")
    found = find_photos([str(tmp_path / "in")], tmp_path / "out")
    assert [os.path.basename(photo.source) for photo in found.photos] == ["f-1.jpg"]
    assert not found.skipped
