import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from folders import answers, tree_of, write
from hypothesis import given
from hypothesis import strategies as st

from pilah.errors import SortError
from pilah.files import MAX_NAME, shortened
from pilah.sorting import SortOptions, plan_photos, read_results, sort_photos, undo_sort
from pilah.sorting.journal import open_journal
from pilah.sorting.transfer import Mode
from pilah.types import Result

MODES: list[Mode] = ["copy", "move", "link"]
pytestmark = pytest.mark.usefixtures("disk_kind")


def places(target: Path) -> set[str]:
    """What lies in the bins."""
    return {
        str(path.relative_to(target))
        for path in target.rglob("*")
        if ".pilah" not in path.parts and not path.is_dir()
    }


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    for name in ("f-1.jpg", "m-1.JPG", "fm-1.png", "fu-1.webp", "none-1.gif", "bad-1.jpg"):
        write(folder / name)
    write(folder / "sub/deep/f-1.jpg", "another")
    write(folder / "notes.txt")
    write(folder / ".hidden/f-2.jpg")
    (folder / "f-1.jpg").chmod(0o640)
    return folder


FLAT = {
    *("female/f-1.jpg", "female/f-1 (2).jpg", "male/m-1.JPG", "mixed/fm-1.png"),
    *("unsure/fu-1.webp", "no_face/none-1.gif", "unreadable/bad-1.jpg"),
}


@pytest.mark.parametrize("mode", MODES)
def test_each_photo_gets_its_bin_and_undo_takes_it_back(photos: Path, mode: Mode) -> None:
    before = tree_of(photos.parent)
    target = photos.parent / "out"
    summary = sort_photos([str(photos)], target, answers, SortOptions(mode=mode))
    assert places(target) == FLAT
    assert (target / "female/f-1 (2).jpg").read_text() == "another"
    status = (target / "female/f-1.jpg").stat()
    assert (status.st_mtime_ns, stat.S_IMODE(status.st_mode)) == (10**18, 0o640)
    assert summary.counts["female"] == 2
    assert summary.failed == ((str(photos / "bad-1.jpg"), "damaged"),)
    assert (summary.added, summary.ignored) == (7, 1)
    assert (photos / "f-1.jpg").exists() == (mode != "move")
    if mode == "link":
        assert os.readlink(target / "female/f-1.jpg") == str(photos / "f-1.jpg")
    assert undo_sort(target).left == ()
    assert tree_of(photos.parent) == before


def test_tree_keeps_sub_folders(photos: Path, tmp_path: Path) -> None:
    sort_photos([str(photos)], tmp_path / "out", answers, SortOptions(tree=True))
    assert "female/sub/deep/f-1.jpg" in places(tmp_path / "out")


def test_a_dry_run_writes_nothing_and_says_the_same(photos: Path, tmp_path: Path) -> None:
    before = tree_of(tmp_path)
    planned = plan_photos([str(photos)], tmp_path / "out", answers, SortOptions())
    assert tree_of(tmp_path) == before
    assert planned == sort_photos([str(photos)], tmp_path / "out", answers, SortOptions())


def test_a_users_file_in_a_bin_is_never_overwritten(photos: Path, tmp_path: Path) -> None:
    mine = write(tmp_path / "out/female/f-1.jpg", "mine")
    sort_photos([str(photos)], tmp_path / "out", answers, SortOptions())
    assert mine.read_text() == "mine"
    assert {"female/f-1 (2).jpg", "female/f-1 (3).jpg"} <= places(tmp_path / "out")
    undo_sort(tmp_path / "out")
    assert places(tmp_path / "out") == {"female/f-1.jpg"}


@pytest.mark.parametrize("mode", MODES)
def test_it_goes_on_and_classifies_nothing_again(photos: Path, tmp_path: Path, mode: Mode) -> None:
    class Stop(Exception):
        pass

    def some(paths: Iterable[str]) -> Iterator[Result]:
        for count, result in enumerate(answers(paths)):
            if count == 3:
                raise Stop
            yield result

    asked: list[str] = []

    def watched(paths: Iterable[str]) -> Iterator[Result]:
        for result in answers(paths):
            asked.append(str(result.path))
            yield result

    before = tree_of(tmp_path)
    options = SortOptions(mode=mode)
    with pytest.raises(Stop):
        sort_photos([str(photos)], tmp_path / "out", some, options)
    assert len(places(tmp_path / "out")) == 3
    sort_photos([str(photos)], tmp_path / "out", watched, options)
    assert len(asked) == 4
    assert places(tmp_path / "out") == FLAT
    sort_photos([str(photos)], tmp_path / "out", watched, options)
    assert len(asked) == 4
    assert len(list(read_results(tmp_path / "out"))) == 7
    undo_sort(tmp_path / "out")
    assert tree_of(tmp_path) == before


def test_moved_files_that_are_named_again_are_done(photos: Path, tmp_path: Path) -> None:
    named = [str(photos / "f-1.jpg"), str(photos / "sub/deep/f-1.jpg")]
    for added in (2, 0):
        summary = sort_photos(named, tmp_path / "out", answers, SortOptions(mode="move"))
        assert (summary.added, summary.failed) == (added, ())
        if added:
            (photos / "sub/deep").rmdir()


def test_a_new_photo_is_added_to_a_finished_sort(photos: Path, tmp_path: Path) -> None:
    sort_photos([str(photos)], tmp_path / "out", answers, SortOptions())
    write(photos / "m-new.jpg")
    assert sort_photos([str(photos)], tmp_path / "out", answers, SortOptions()).added == 1


def test_a_photo_named_twice_is_sorted_once(photos: Path, tmp_path: Path) -> None:
    sources = [str(photos), str(photos / "f-1.jpg"), str(photos / "sub")]
    assert sort_photos(sources, tmp_path / "out", answers, SortOptions()).added == 7


def test_a_target_inside_the_source_is_not_walked(photos: Path) -> None:
    target = photos / "out"
    for _ in range(2):
        sort_photos([str(photos)], target, answers, SortOptions())
        assert places(target) == FLAT


def test_faces_are_written_each_into_its_own_bin(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "in").mkdir()
    Image.new("RGB", (9, 9), "tan").save(tmp_path / "in/fmu-1.png")
    write(tmp_path / "in/bad-1.jpg")
    before = tree_of(tmp_path)
    sort_photos([str(tmp_path / "in")], tmp_path / "out", answers, SortOptions(faces=True))
    assert places(tmp_path / "out") == {
        "female/fmu-1 face 1.jpg",
        "male/fmu-1 face 2.jpg",
        "unsure/fmu-1 face 3.jpg",
    }
    assert [photo.destination for photo in read_results(tmp_path / "out")] == [None, None]
    undo_sort(tmp_path / "out")
    assert tree_of(tmp_path) == before


@pytest.mark.parametrize(
    ("sources", "options", "words"),
    [
        (["nowhere"], SortOptions(), "no photo or folder at"),
        (["out/in"], SortOptions(), "lies inside the target"),
        (["in"], SortOptions(mode="move"), "was sorted with mode 'copy', not mode 'move'"),
    ],
)
def test_what_cannot_begin_is_one_line(
    photos: Path, tmp_path: Path, sources: list[str], options: SortOptions, words: str
) -> None:
    sort_photos([str(photos)], tmp_path / "out", answers, SortOptions())
    write(tmp_path / "out/in/f-1.jpg")
    before = tree_of(tmp_path)
    with pytest.raises(SortError, match=words) as raised:
        sort_photos([str(tmp_path / s) for s in sources], tmp_path / "out", answers, options)
    assert "\n" not in str(raised.value)
    assert tree_of(tmp_path) == before


def test_faces_are_only_copied() -> None:
    with pytest.raises(SortError, match="--move has no effect"):
        SortOptions(mode="move", faces=True)


def test_one_sort_at_a_time(photos: Path, tmp_path: Path) -> None:
    sort_photos([str(photos)], tmp_path / "out", answers, SortOptions())
    with open_journal(tmp_path / "out"), pytest.raises(SortError, match="another pilah is at work"):
        sort_photos([str(photos)], tmp_path / "out", answers, SortOptions())


def test_a_symbolic_link_is_not_moved_but_named(tmp_path: Path) -> None:
    write(tmp_path / "f-real.jpg")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/f-link.jpg").symlink_to("../f-real.jpg")
    options = SortOptions(mode="move")
    summary = sort_photos([str(tmp_path / "in")], tmp_path / "out", answers, options)
    assert summary.failed == ()
    assert "symbolic link" in summary.not_placed[0][1]
    (photo,) = read_results(tmp_path / "out")
    assert (photo.bin, photo.folder, photo.result.label) == ("female", None, "female")
    assert (tmp_path / "in/f-link.jpg").is_symlink()


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=300), st.integers(2, 10**6))
def test_a_name_is_never_too_long(stem: str, count: int) -> None:
    ending = f" ({count}).jpg"
    name = shortened(stem, ending)
    assert len(os.fsencode(name)) <= MAX_NAME
    assert name.endswith(ending) and stem.startswith(name.removesuffix(ending))
