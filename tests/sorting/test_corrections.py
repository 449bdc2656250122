"""A person moves photos between the folders: it counts, it stays, and an undo finds them."""

import json
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


@pytest.mark.parametrize("resume", [False, True])
def test_a_photo_that_was_moved_on_before_its_last_line_is_found(
    photos: Path, resume: bool
) -> None:
    before = tree_of(photos.parent)
    target = sort(photos, "move")
    journal = target / ".pilah/journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    (number,) = [json.loads(line)["intend"] for line in lines if "in/m-1.jpg" in line]
    journal.write_text("".join(line for line in lines if line != f'{{"done": {number}}}\n'))
    move(target, "male/m-1.jpg", "female/m-1.jpg")
    if resume:
        sort(photos, "move")
        assert by_name(target)["m-1.jpg"].folder == "female"
    assert undo_sort(target).left == ()
    assert tree_of(photos.parent) == before


def test_a_photo_that_cannot_be_taken_out_is_counted_once(photos: Path) -> None:
    target = sort(photos, "move")
    journal = target / ".pilah/journal.jsonl"
    lines = journal.read_text().splitlines()
    (number,) = [json.loads(line)["intend"] for line in lines if "in/m-1.jpg" in line]
    with journal.open("a") as file:
        file.write(f'{{"reopened": {number}}}\n')
    move(target, "male/m-1.jpg", "female/m-1.jpg")
    sort(photos, "move")
    assert [photo.source for photo in read_results(target)].count(str(photos / "m-1.jpg")) == 1


def test_of_two_folders_the_one_that_was_renamed_is_asked_for(tmp_path: Path) -> None:
    for name in ("A/f-1.jpg", "B/m-1.jpg", "C/m-2.jpg"):
        write(tmp_path / name)
    before = tree_of(tmp_path)
    target = tmp_path / "out"
    sources = [str(tmp_path / name) for name in "ABC"]
    sort_photos(sources, target, answers, SortOptions(mode="move"))
    now = (tmp_path / "A").rename(tmp_path / "A2")
    (tmp_path / "C").rmdir()  # empty by now; it is made again
    with pytest.raises(SortError, match=r"/A, but .*it may be .*/A2 now.* with where .*/A is now"):
        undo_sort(target)
    with pytest.raises(SortError, match=r"no folder at .*/A3; give --to where .*/A is now"):
        undo_sort(target, to=tmp_path / "A3")
    assert not (tmp_path / "A3").exists()
    assert undo_sort(target, to=now).left == ()
    now.rename(tmp_path / "A")
    assert tree_of(tmp_path) == before


def test_folders_that_were_renamed_together_are_found_below_the_new_name(tmp_path: Path) -> None:
    for name in ("home/A/f-1.jpg", "home/B/m-1.jpg"):
        write(tmp_path / name)
    before = tree_of(tmp_path / "home")
    target = tmp_path / "out"
    sources = [str(tmp_path / "home" / name) for name in "AB"]
    sort_photos(sources, target, answers, SortOptions(mode="move"))
    now = (tmp_path / "home").rename(tmp_path / "moved")
    assert undo_sort(target, to=now).left == ()
    assert tree_of(now) == before


def test_a_changed_photo_that_the_user_puts_back_ends_the_undo(photos: Path) -> None:
    target = sort(photos, "move")
    edited = write(target / "male/m-1.jpg", "edited")
    assert undo_sort(target).left == ((str(edited), "was changed after the sort"),)
    edited.rename(photos / "m-1.jpg")
    undone = undo_sort(target)
    assert (undone.restored, undone.left) == (6, ())
    assert (photos / "m-1.jpg").read_text() == "edited"
    assert not target.exists()


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
