"""What a disk refuses costs no photo and is reported once."""

import errno
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from folders import answers, run, tree_of, write
from refusals import refuse_from_now_on

from pilah.errors import SortError
from pilah.sorting import SortOptions, disk, sort_photos, undo_sort
from pilah.sorting.journal import open_journal
from pilah.sorting.transfer import Mode

REFUSALS = [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EACCES, errno.ENOLCK]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("f-1.jpg", "m-1.jpg"):
        write(tmp_path / "in" / name)
    return tmp_path / "in"


@pytest.mark.parametrize("mode", ["copy", "move", "link"])
@pytest.mark.parametrize("number", REFUSALS, ids=errno.errorcode.get)
def test_any_refusal_has_a_way_around(
    photos: Path, number: int, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_from_now_on(monkeypatch, number)
    before = tree_of(photos.parent)
    target = photos.parent / "out"
    summary = sort_photos([str(photos)], target, answers, SortOptions(mode=mode))
    assert (summary.added, summary.failed) == (2, ())
    assert (target / "female/f-1.jpg").read_text() == "f-1.jpg"
    assert any("knows no locks" in note for note in disk.notes())
    assert len(disk.notes()) == len({note.split("(")[0] for note in disk.notes()})
    assert undo_sort(target).left == ()
    assert tree_of(photos.parent) == before


def test_a_full_disk_is_no_refusal(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_from_now_on(monkeypatch, errno.ENOSPC)
    before = tree_of(photos)
    with pytest.raises(SortError, match="No space left"):
        sort_photos([str(photos)], photos.parent / "out", answers, SortOptions(mode="move"))
    assert tree_of(photos) == before


def test_a_lock_file_of_a_process_that_ended_is_no_lock(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_from_now_on(monkeypatch, errno.EPERM)
    target = photos.parent / "out"
    sort_photos([str(photos)], target, answers, SortOptions())
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    stale = target / f".pilah/lock.{platform.node()}.{ended.pid}"
    stale.touch()
    with open_journal(target):
        assert not stale.exists()
    assert not list(target.glob(".pilah/lock.*"))


@pytest.mark.parametrize("host", [platform.node(), "another-machine"])
def test_a_lock_file_of_a_process_that_runs_is_one(
    photos: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_from_now_on(monkeypatch, errno.EPERM)
    target = photos.parent / "out"
    sort_photos([str(photos)], target, answers, SortOptions())
    (target / f".pilah/lock.{host}.{os.getppid()}").touch()
    with pytest.raises(SortError, match=r"another pilah is at work.*or delete .*lock\."):
        open_journal(target)


def test_the_command_reports_each_refusal_once(
    photos: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_from_now_on(monkeypatch, errno.EOPNOTSUPP)
    target = photos.parent / "out"
    code, _, err = run("sort", photos, "--to", target, "--move", "--model", tiny_bundle)
    assert code == 1  # they are text, not photos
    notes = [line for line in err.splitlines() if line.startswith("note: ")]
    assert len(notes) == 3
    for words in ("knows no hard links", "knows no locks", "does not flush on demand"):
        assert sum(words in note for note in notes) == 1
    code, out, _ = run("undo", target)
    assert (code, out) == (0, "Restored: 2 photos\n")


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_a_disk_without_times_of_files_is_sorted_to(
    photos: Path, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    refuse_from_now_on(monkeypatch, errno.EPERM)
    monkeypatch.setattr(os, "utime", refuse)
    contents = {path.name: path.read_bytes() for path in photos.iterdir()}
    target, options = photos.parent / "out", SortOptions(mode=mode)
    assert sort_photos([str(photos)], target, answers, options).not_placed == ()
    assert sort_photos([str(photos)], target, answers, options).added == 0
    assert undo_sort(target).left == ()
    assert {path.name: path.read_bytes() for path in photos.iterdir()} == contents


def test_a_disk_without_symbolic_links_is_known_before_any_work(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "symlink", refuse)
    asked: list[str] = []
    with pytest.raises(SortError, match=r"takes no symbolic links .*pilah undo"):
        sort_photos([str(photos)], photos.parent / "out", asked.extend, SortOptions(mode="link"))
    assert asked == []
    undo_sort(photos.parent / "out")
    assert os.listdir(photos.parent) == ["in"]
