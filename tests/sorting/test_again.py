"""A folder that was sorted is sorted again: what has changed in between?"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from folders import answers, tree_of, write

from pilah.errors import SortError
from pilah.sorting import SortOptions, plan_photos, read_results, sort_photos, undo_sort
from pilah.sorting.records import read_state
from pilah.sorting.transfer import Mode
from pilah.types import Result
from pilah.video import JOURNAL as VIDEO_JOURNAL

pytestmark = pytest.mark.usefixtures("disk_kind")


def sort(source: Path, mode: Mode = "copy", faces: bool = False) -> dict[str, int]:
    options = SortOptions(mode=mode, faces=faces)
    target = source.parent / "out"
    planned = plan_photos([str(source)], target, by_content, options)
    summary = sort_photos([str(source)], target, by_content, options)
    assert planned.added == summary.added
    return {bin: count for bin, count in summary.counts.items() if count} | {"new": summary.added}


def by_content(paths: Iterable[str]) -> Iterator[Result]:
    """An answer by the file's content: its first word is the first word of a name."""
    for path in paths:
        word = Path(path).read_text().split()[0]
        (result,) = answers([f"{word}-x.jpg"])
        yield Result(path, result.faces, result.error, result.size_hw)


@pytest.mark.parametrize("mode", ["copy", "link"])
def test_an_unreadable_photo_that_was_repaired_is_sorted(tmp_path: Path, mode: Mode) -> None:
    path = write(tmp_path / "in/a.jpg", "bad")
    assert sort(path.parent, mode) == {"unreadable": 1, "new": 1}
    assert sort(path.parent, mode) == {"unreadable": 1, "new": 0}
    write(path, "f repaired", time=2 * 10**18)
    before = tree_of(tmp_path / "in")
    assert sort(path.parent, mode) == {"female": 1, "new": 1}
    unreadable = tmp_path / "out/unreadable"
    if mode == "copy":  # it may be the last of its content
        assert (unreadable / "a.jpg").read_text() == "bad"
        assert [Path(kept) for kept, _ in undo_sort(tmp_path / "out").left] == [
            unreadable / "a.jpg"
        ]
    else:
        assert os.listdir(unreadable) == []
        assert undo_sort(tmp_path / "out").left == ()
        assert os.listdir(tmp_path) == ["in"]
    assert tree_of(tmp_path / "in") == before


@pytest.mark.parametrize("mode", ["copy", "move", "link"])
def test_an_unreadable_photo_is_tried_again_when_more_can_be_read(
    tmp_path: Path, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "in/a.heic", "bad content")
    write(tmp_path / "in/a.xmp", "its edit")
    before = tree_of(tmp_path)
    assert sort(path.parent, mode) == {"unreadable": 1, "new": 1}
    for module in ("again", "placing"):
        monkeypatch.setattr(f"pilah.sorting.{module}.installed_readers", lambda: "one more")
    assert sort(path.parent, mode) == {"unreadable": 1, "new": 1}  # still of no use
    assert sort(path.parent, mode) == {"unreadable": 1, "new": 0}
    for module in ("again", "placing"):
        monkeypatch.setattr(f"pilah.sorting.{module}.installed_readers", lambda: "two more")
    monkeypatch.setitem(globals(), "by_content", answers_female)
    assert sort(path.parent, mode) == {"female": 1, "new": 1}
    assert (tmp_path / "out/female/a.xmp").read_text() == "its edit"
    assert undo_sort(tmp_path / "out").left == ()
    assert tree_of(tmp_path) == before


def answers_female(paths: Iterable[str]) -> Iterator[Result]:
    for path in paths:
        (result,) = answers(["f-x.jpg"])
        yield Result(path, result.faces)


@pytest.mark.parametrize("content", ["", "bad photo that was c"])
def test_nothing_is_left_of_a_photo_that_had_come_by_half(tmp_path: Path, content: str) -> None:
    path = tmp_path / "in/a.jpg"
    path.parent.mkdir()
    path.write_bytes(content.encode())
    options = SortOptions()
    arguments = ([str(path.parent)], tmp_path / "out")
    assert sort_photos(*arguments, cut_off, options).counts["unreadable"] == 1
    path.write_text("bad photo that was cut off, but is whole now")
    before = tree_of(tmp_path / "in")
    summary = sort_photos(*arguments, answers_female, options)
    assert (summary.counts["female"], summary.counts["unreadable"]) == (1, 0)
    assert os.listdir(tmp_path / "out/unreadable") == []
    assert undo_sort(tmp_path / "out").left == ()
    assert tree_of(tmp_path) == {"in": ("folder", 0)} | {f"in/{k}": v for k, v in before.items()}


def cut_off(paths: Iterable[str]) -> Iterator[Result]:
    return (Result(path, error="cut off") for path in paths)


def test_an_old_edit_of_an_unreadable_photo_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What reads photos has changed, but the copy of the edit is the last of its content."""
    path = write(tmp_path / "in/a.heic", "bad content")
    edit = write(tmp_path / "in/a.xmp", "first edit")
    sort(path.parent)
    write(edit, "second", time=2 * 10**18)
    for module in ("again", "placing"):
        monkeypatch.setattr(f"pilah.sorting.{module}.installed_readers", lambda: "one more")
    sort(path.parent)
    assert (tmp_path / "out/unreadable/a.xmp").read_text() == "first edit"


def test_a_copy_that_a_kill_left_stays_if_its_photo_is_another_by_now(tmp_path: Path) -> None:
    path = write(tmp_path / "in/a.jpg", "f first")
    sort(path.parent)
    journal = tmp_path / "out/.pilah/journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(line for line in lines if not line.startswith('{"done"')))
    write(path, "m second", time=2 * 10**18)
    assert sort(path.parent) == {"male": 1, "new": 1}
    assert (tmp_path / "out/female/a.jpg").read_text() == "f first"
    assert (tmp_path / "out/male/a.jpg").read_text() == "m second"


def test_a_failure_that_is_no_more_is_forgotten(tmp_path: Path) -> None:
    write(tmp_path / "in/b.jpg", "f")
    broken, sorted_before = tmp_path / "in/a.jpg", tmp_path / "in/b.jpg"
    broken.symlink_to("nowhere")
    options = SortOptions()
    arguments = ([str(tmp_path / "in")], tmp_path / "out", by_content, options)
    assert [path for path, _ in sort_photos(*arguments).failed] == [str(broken)]
    assert [path for path, _ in sort_photos(*arguments).failed] == [str(broken)]
    broken.unlink()
    sorted_before.rename(tmp_path / "kept.jpg")
    sorted_before.symlink_to("nowhere")
    assert [path for path, _ in sort_photos(*arguments).failed] == [str(sorted_before)]
    sorted_before.unlink()
    (tmp_path / "kept.jpg").rename(sorted_before)
    summary = sort_photos(*arguments)
    assert summary.failed == () and summary.photos == 1


def test_what_runs_with_more_folders_skip_counts_once(tmp_path: Path) -> None:
    write(tmp_path / "in/a.jpg", "f")
    write(tmp_path / "in/notes.txt")
    write(tmp_path / "more/b.txt")
    write(tmp_path / "other/c.txt")
    for sources in (["in"], ["in", "more"], ["in", "more"], ["other"]):
        paths = [str(tmp_path / name) for name in sources]
        sort_photos(paths, tmp_path / "out", by_content, SortOptions())
    state = read_state(tmp_path / "out/.pilah/journal.jsonl")
    assert state.skipped == {".txt": 3}


def test_another_smallest_face_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "in/a.jpg", "f")
    arguments = ([str(tmp_path / "in")], tmp_path / "out", by_content)
    sort_photos(*arguments, SortOptions(min_face=400))
    with pytest.raises(SortError, match=r"was sorted with min_face 400, not min_face None"):
        sort_photos(*arguments, SortOptions())
    journal = tmp_path / "out/.pilah/journal.jsonl"  # as earlier versions wrote it
    journal.write_text(journal.read_text().replace(', "min_face": 400', ""))
    assert sort_photos(*arguments, SortOptions(min_face=300)).added == 0


def test_a_correction_of_an_unreadable_photo_is_not_overruled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "in/a.jpg", "bad")
    sort(path.parent)
    (tmp_path / "out/female").mkdir()
    (tmp_path / "out/unreadable/a.jpg").rename(tmp_path / "out/female/a.jpg")
    monkeypatch.setattr("pilah.sorting.again.installed_readers", lambda: "more")
    assert sort(path.parent) == {"female": 1, "new": 0}


@pytest.mark.parametrize("mode", ["copy", "link"])
def test_a_replaced_file_is_counted_once(tmp_path: Path, mode: Mode) -> None:
    path = write(tmp_path / "in/a.jpg", "f old")
    assert sort(path.parent, mode) == {"female": 1, "new": 1}
    write(path, "m new", time=2 * 10**18)
    assert sort(path.parent, mode) == {"male": 1, "new": 1}
    (photo,) = read_results(tmp_path / "out")
    assert photo.destination == str(tmp_path / "out/male/a.jpg")
    assert not photo.corrected


def test_the_earlier_content_of_a_replaced_file_is_kept_by_an_undo(tmp_path: Path) -> None:
    path = write(tmp_path / "in/a.jpg", "f old")
    sort(path.parent)
    write(path, "m new", time=2 * 10**18)
    sort(path.parent)
    ((left, why),) = undo_sort(tmp_path / "out").left
    assert (Path(left).read_text(), path.read_text()) == ("f old", "m new")
    assert "has changed since the sort" in why


def test_two_photos_that_had_one_name_before_a_move_are_two(tmp_path: Path) -> None:
    path = write(tmp_path / "in/a.jpg", "f first")
    sort(path.parent, "move")
    write(path, "f second", time=2 * 10**18)
    assert sort(path.parent, "move") == {"female": 2, "new": 1}


def test_crops_of_a_replaced_photo_are_made_anew(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "in").mkdir()
    path = tmp_path / "in/a.png"

    def two(paths: Iterable[str]) -> Iterator[Result]:
        yield from (Result(p, next(answers(["ff-x.jpg"])).faces, None, (9, 9)) for p in paths)

    for colour, added in (("tan", 1), ("tan", 0), ("navy", 1)):
        if added:
            Image.new("RGB", (9, 9), colour).save(path)
        summary = sort_photos([str(path)], tmp_path / "out", two, SortOptions(faces=True))
        assert (summary.added, summary.counts["female"]) == (added, 2)
    assert sorted(os.listdir(tmp_path / "out/female")) == ["a face 1.jpg", "a face 2.jpg"]


@pytest.mark.parametrize("mode", ["copy", "link"])
@pytest.mark.parametrize("seconds", [-3600, 3600, 1])
def test_another_time_alone_makes_no_new_photo(tmp_path: Path, mode: Mode, seconds: int) -> None:
    path = write(tmp_path / "in/a.jpg", "f content")
    sort(path.parent, mode)
    os.utime(path, ns=(10**18, 10**18 + seconds * 10**9))
    assert sort(path.parent, mode) == {"female": 1, "new": 0}


def test_another_content_of_the_same_size_is_a_new_photo(tmp_path: Path) -> None:
    path = write(tmp_path / "in/a.jpg", "f content")
    sort(path.parent)
    write(path, "m content", time=10**18 + 10**9)
    assert sort(path.parent) == {"male": 1, "new": 1}


def test_a_folder_that_a_followed_video_made_is_left_out_and_named(tmp_path: Path) -> None:
    write(tmp_path / "in/a.jpg", "f a")
    write(tmp_path / "in/video/tracks.jpg", "f sheet")
    write(tmp_path / "in/video" / VIDEO_JOURNAL, "")
    summary = sort_photos([str(tmp_path / "in")], tmp_path / "out", by_content, SortOptions())
    assert (summary.photos, summary.earlier) == (1, (str(tmp_path / "in/video"),))


def test_a_folder_that_holds_an_earlier_sort_is_left_out_and_named(tmp_path: Path) -> None:
    write(tmp_path / "in/a.jpg", "f a")
    options = SortOptions()
    sort_photos([str(tmp_path / "in")], tmp_path / "in/first", by_content, options)
    for sources in ([tmp_path / "in"], [tmp_path / "in", tmp_path / "in/first"]):
        named = [str(source) for source in sources]
        summary = sort_photos(named, tmp_path / "in/second", by_content, options)
        assert (summary.photos, summary.earlier) == (1, (str(tmp_path / "in/first"),))


def test_a_photo_that_could_not_be_placed_is_noted_once(tmp_path: Path) -> None:
    write(tmp_path / "real.jpg", "f real")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/link.jpg").symlink_to("../real.jpg")
    sizes = []
    for _ in range(2):
        assert sort(tmp_path / "in", "move") == {"new": 1}
        sizes.append((tmp_path / "out/.pilah/journal.jsonl").read_text().count('"failed"'))
    assert sizes == [1, 1]


@pytest.mark.parametrize("name", ["female", "unreadable", ".pilah", "report.html"])
def test_a_file_in_the_way_is_found_before_any_work(tmp_path: Path, name: str) -> None:
    write(tmp_path / "in/a.jpg", "f a")
    write(tmp_path / "out" / name, "mine")
    before = tree_of(tmp_path)

    def never(paths: Iterable[str]) -> Iterator[Result]:
        raise AssertionError("it began to work")

    for plan_or_sort in (plan_photos, sort_photos):
        with pytest.raises(SortError, match="move it away"):
            plan_or_sort(
                [str(tmp_path / "in")],
                tmp_path / "out",
                never,
                SortOptions(),
                reports=["report.html"],
            )
    assert tree_of(tmp_path) == before
