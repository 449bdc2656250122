import os
from pathlib import Path

import pytest
from folders import answers, tree_of, write

from pilah.errors import SortError
from pilah.sorting import SortOptions, sort_photos, undo_sort
from pilah.sorting.journal import open_journal
from pilah.sorting.transfer import Mode

pytestmark = pytest.mark.usefixtures("disk_kind")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("f-1.jpg", "f-2.jpg", "m-1.jpg"):
        write(tmp_path / "in" / name)
    return tmp_path / "in"


def sort(photos: Path, mode: Mode) -> Path:
    target = photos.parent / "out"
    sort_photos([str(photos)], target, answers, SortOptions(mode=mode))
    return target


def reasons(target: Path) -> dict[str, str]:
    return {os.path.relpath(path, target): why for path, why in undo_sort(target).left}


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_a_changed_file_is_left_alone_and_named(photos: Path, mode: Mode) -> None:
    target = sort(photos, mode)
    write(target / "female/f-1.jpg", "edited", time=2 * 10**18)
    assert reasons(target) == {"female/f-1.jpg": "was changed after the sort"}
    assert (target / "female/f-1.jpg").read_text() == "edited"
    assert sorted(os.listdir(target)) == [".pilah", "female"]
    assert (photos / "f-2.jpg").exists()


def test_what_was_left_alone_can_be_settled_and_undone(photos: Path) -> None:
    before = tree_of(photos.parent)
    target = sort(photos, "move")
    mine = write(photos / "f-1.jpg", "mine")
    assert reasons(target) == {"female/f-1.jpg": "another file is now at its first place"}
    assert mine.read_text() == "mine"
    with pytest.raises(SortError, match=r"an undo of .* was begun"):
        sort(photos, "move")
    mine.unlink()
    assert reasons(target) == {}
    assert tree_of(photos.parent) == before


def test_the_only_copy_of_a_photo_is_kept(photos: Path) -> None:
    target = sort(photos, "copy")
    (photos / "m-1.jpg").unlink()
    assert "male/m-1.jpg" in reasons(target)
    assert (target / "male/m-1.jpg").read_text() == "m-1.jpg"


def test_a_moved_photo_that_is_gone_is_named_a_copy_is_not(photos: Path) -> None:
    target = sort(photos, "copy")
    (target / "male/m-1.jpg").unlink()
    assert reasons(target) == {}
    target = sort(photos, "move")
    (target / "male/m-1.jpg").unlink()
    assert reasons(target) == {"male/m-1.jpg": "is no longer there"}


def test_a_link_that_leads_elsewhere_is_left_alone(photos: Path) -> None:
    target = sort(photos, "link")
    (target / "male/m-1.jpg").unlink()
    (target / "male/m-1.jpg").symlink_to("elsewhere")
    assert reasons(target) == {"male/m-1.jpg": "was changed after the sort"}


def test_folders_and_files_of_the_user_stay(photos: Path) -> None:
    write(photos.parent / "out/mine.txt")
    (photos.parent / "out/female").mkdir()
    before = tree_of(photos.parent)
    assert reasons(sort(photos, "copy")) == {}
    assert tree_of(photos.parent) == before


def test_a_folder_that_the_user_removed_is_made_again(photos: Path) -> None:
    before = tree_of(photos.parent)
    target = sort(photos, "move")
    photos.rmdir()
    assert reasons(target) == {}
    assert tree_of(photos.parent) == before


def test_reports_go_when_unchanged(photos: Path) -> None:
    target = sort(photos, "copy")
    with open_journal(target) as journal:
        journal.claim(target, ["a.csv", "b.csv"])
        for name in ("a.csv", "b.csv"):
            journal.record(target, write(target / name))
    write(target / "b.csv", "edited")
    assert reasons(target) == {"b.csv": "was changed after the sort"}
    assert not (target / "a.csv").exists()


def test_where_there_is_no_sort_nothing_is_done(photos: Path) -> None:
    before = tree_of(photos.parent)
    for folder in (photos, photos.parent / "nowhere"):
        with pytest.raises(SortError, match="holds no sort"):
            undo_sort(folder)
    assert tree_of(photos.parent) == before
