"""A person moves photos between the folders: it counts, it stays, and an undo finds them."""

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from folders import answers, tree_of, write

from pilah.errors import SortError
from pilah.sorting import SortedPhoto, SortOptions, read_results, sort_photos, undo_sort
from pilah.sorting.transfer import Mode
from pilah.types import Result

pytestmark = pytest.mark.usefixtures("disk_kind")

MODES: list[Mode] = ["copy", "move", "link"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("f-1.jpg", "f-2.jpg", "m-1.jpg", "fm-1.jpg", "none-1.jpg", "u-1.jpg"):
        write(tmp_path / "in" / name)
    write(tmp_path / "in/m-1.xmp")
    return tmp_path / "in"


def sort(photos: Path, mode: Mode, **options: bool) -> Path:
    target = photos.parent / "out"
    sort_photos([str(photos)], target, answers, SortOptions(mode=mode, **options))
    return target


def move(target: Path, old: str, new: str) -> None:
    (target / new).parent.mkdir(exist_ok=True)
    (target / old).rename(target / new)


def by_name(target: Path) -> dict[str, SortedPhoto]:
    return {os.path.basename(photo.source): photo for photo in read_results(target)}


@pytest.mark.parametrize("mode", MODES)
def test_what_a_person_moved_or_deleted_is_corrected(photos: Path, mode: Mode) -> None:
    target = sort(photos, mode)
    assert not any(photo.corrected for photo in read_results(target))
    move(target, "male/m-1.jpg", "female/m-1.jpg")
    move(target, "female/f-1.jpg", "female/another name.jpg")
    move(target, "no_face/none-1.jpg", "male/f-1 (2).jpg")
    (target / "unsure/u-1.jpg").unlink()
    now = by_name(target)
    folders = {name: (p.folder, p.corrected) for name, p in now.items() if p.corrected}
    assert folders == {
        "m-1.jpg": ("female", True),
        "none-1.jpg": ("male", True),
        "u-1.jpg": (None, True),
    }
    assert now["m-1.jpg"].destination == str(target / "female/m-1.jpg")
    assert now["f-1.jpg"].destination == str(target / "female/another name.jpg")
    assert (now["m-1.jpg"].bin, now["m-1.jpg"].result.label) == ("male", "male")
    assert [face.label for face in now["m-1.jpg"].faces] == ["female"]


@pytest.mark.parametrize("mode", MODES)
def test_a_later_sort_keeps_corrections(photos: Path, mode: Mode) -> None:
    target = sort(photos, mode)
    move(target, "male/m-1.jpg", "female/m-1.jpg")
    write(photos / "m-new.jpg")
    options = SortOptions(mode=mode)
    summary = sort_photos([str(photos)], target, answers, options)
    assert (summary.added, summary.corrected) == (1, 1)
    assert (summary.counts["female"], summary.counts["male"]) == (3, 1)
    assert os.path.lexists(target / "female/m-1.jpg")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("new", ["female/m-1.jpg", "female/renamed.jpg", "best/of/m-1.jpg"])
def test_an_undo_restores_what_a_person_moved(photos: Path, mode: Mode, new: str) -> None:
    before = tree_of(photos.parent)
    target = sort(photos, mode)
    (target / new).parent.mkdir(parents=True, exist_ok=True)
    move(target, "male/m-1.jpg", new)
    undone = undo_sort(target)
    assert (undone.restored, undone.left) == (6, ())
    if new.startswith("best"):
        (target / "best/of").rmdir()  # the user's own folder stays
        (target / "best").rmdir()
        target.rmdir()
    assert tree_of(photos.parent) == before


def test_photos_of_one_size_are_told_apart_by_their_content(tmp_path: Path) -> None:
    for name in ("m-1.jpg", "m-2.jpg", "f-3.jpg"):
        write(tmp_path / "in" / name)  # all of one size and time
    before = tree_of(tmp_path)
    target = sort(tmp_path / "in", "move")
    move(target, "male/m-1.jpg", "female/x.jpg")
    move(target, "male/m-2.jpg", "female/m-1.jpg")
    assert undo_sort(target).left == ()
    assert tree_of(tmp_path) == before


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_photo_that_cannot_be_found_keeps_the_journal(photos: Path, times: int) -> None:
    before = tree_of(photos.parent)
    target = sort(photos, "move")
    away = photos.parent / "away.jpg"
    (target / "male/m-1.jpg").rename(away)
    for _ in range(times):
        left = undo_sort(target).left
        assert left == ((str(target / "male/m-1.jpg"), "is no longer there"),)
        assert (target / ".pilah/journal.jsonl").exists()
    (target / "female").mkdir()
    away.rename(target / "female/anything.jpg")
    undone = undo_sort(target)
    assert (undone.restored, undone.left) == (6, ())
    assert tree_of(photos.parent) == before


def test_another_photo_at_the_first_place_is_not_taken_for_it(photos: Path) -> None:
    target = sort(photos, "move")
    (target / "male/m-1.jpg").unlink()
    mine = write(photos / "m-1.jpg", "another photo")
    for _ in range(2):
        assert undo_sort(target).left == ((str(target / "male/m-1.jpg"), "is no longer there"),)
    assert mine.read_text() == "another photo"


def test_a_photo_that_was_restored_is_the_users_again(photos: Path) -> None:
    target = sort(photos, "move")
    away = photos.parent / "away.jpg"
    (target / "male/m-1.jpg").rename(away)
    undo_sort(target)
    (photos / "f-1.jpg").unlink()  # restored, and then deleted by the user
    away.rename(photos / "m-1.jpg")
    undone = undo_sort(target)
    assert (undone.restored, undone.left) == (6, ())
    assert not target.exists()


@pytest.mark.parametrize("how", ["parent renamed", "renamed"])
def test_a_renamed_folder_is_not_made_again(photos: Path, how: str) -> None:
    home = photos.parent / "home"
    home.mkdir()
    photos = photos.rename(home / "in")
    target = home.parent / "out"
    before = tree_of(photos)
    write(photos / "notes.txt")
    sort_photos([str(photos)], target, answers, SortOptions(mode="move"))
    if how == "renamed":
        now = photos.rename(home / "elsewhere")
    else:
        now = home.rename(home.parent / "moved") / "in"
    sorted_tree = tree_of(target)
    for _ in range(2):
        with pytest.raises(SortError, match=r"would go back to .*/home/in, but .* --to DIR"):
            undo_sort(target)
        assert not photos.exists()
        assert tree_of(target) == sorted_tree
    undone = undo_sort(target, to=now)
    assert (undone.restored, undone.left) == (6, ())
    (now / "notes.txt").unlink()
    assert tree_of(now) == before


def test_an_earlier_journal_that_knows_only_paths_asks_too(photos: Path) -> None:
    home = photos.parent / "home"
    home.mkdir()
    photos = photos.rename(home / "in")
    target = home.parent / "out"
    sort_photos([str(photos)], target, answers, SortOptions(mode="move"))
    journal = target / ".pilah/journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(line for line in lines if '"walked"' not in line))
    home.rename(home.parent / "moved")
    with pytest.raises(SortError, match=r"would go back to .*/home/in, but .* --to DIR"):
        undo_sort(target)
    assert undo_sort(target, to=home.parent / "moved/in").left == ()


def test_copies_are_compared_with_originals_at_their_new_place(photos: Path) -> None:
    target = sort(photos, "copy")
    before = tree_of(photos)
    now = photos.rename(photos.parent / "moved")
    assert {why for _, why in undo_sort(target).left} == {
        "its original is gone, so this copy is kept"
    }
    assert undo_sort(target, to=now).left == ()
    assert tree_of(now) == before


def test_crops_are_corrected_one_by_one(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "in").mkdir()
    Image.new("RGB", (9, 9), "tan").save(tmp_path / "in/fmu-1.png")
    before = tree_of(tmp_path)
    target = sort(tmp_path / "in", "copy", faces=True)
    shutil.move(target / "unsure/fmu-1 face 3.jpg", target / "female/fmu-1 face 3.jpg")
    (photo,) = read_results(target)
    assert photo.corrected and photo.crops is not None
    assert [crop.folder for crop in photo.crops] == ["female", "male", "female"]
    assert [face.label for face in photo.faces] == ["female", "male", "female"]
    assert undo_sort(target).left == ()
    assert tree_of(tmp_path) == before


@pytest.mark.parametrize(
    ("name", "folder", "labels"),
    [
        ("mm", "female", ["female", "female"]),
        ("fm", "male", ["male", "male"]),
        ("uf", "mixed", [None, None]),
        ("fm", "unsure", [None, None]),
        ("fm", "no_face", []),
        ("ff", "mixed", [None, None]),
    ],
)
def test_labels_follow_the_folder_as_far_as_it_says(
    tmp_path: Path, name: str, folder: str, labels: list[str | None]
) -> None:
    write(tmp_path / f"in/{'-'.join(name)}.jpg")

    def faces(paths: Iterable[str]) -> Iterator[Result]:
        return answers(f"{name}-1.jpg" for _ in paths)

    target = tmp_path / "out"
    sort_photos([str(tmp_path / "in")], target, faces, SortOptions())
    (photo,) = read_results(target)
    (target / folder).mkdir(exist_ok=True)
    os.rename(photo.destination or "", target / folder / "x.jpg")
    (photo,) = read_results(target)
    assert [face.label for face in photo.faces] == labels
