"""A sort and an undo that die before any one of their system calls lose nothing."""

import os
from pathlib import Path
from typing import Any

import pytest
from folders import answers, tree_of, write

from dying import dies
from pilah.sorting import SortOptions, read_results, sort_photos, undo_sort

NAMES = ["f-1.jpg", "a/f-1.jpg", "fm-2.jpg", "bad-3.jpg", "none-4.jpg", "a/b/u-5.png"]
NAMES += ["m-\udcff.jpg"]
COMPANIONS = ["f-1.jpg.xmp", "f-1.mov", "a/f-1.cr2", "bad-3.aae"]


@pytest.mark.slow
@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize(
    ("mode", "across_disks"), [("copy", False), ("link", False), ("move", False), ("move", True)]
)
def test_death_at_every_step(
    tmp_path: Path,
    mode: Any,
    across_disks: bool,
    there: bool,
    disk_kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if across_disks and disk_kind == "refusing":
        pytest.skip("without hard links every move is one across disks")
    if across_disks:
        link = os.link

        def across(source: Any, path: Any, **options: Any) -> None:
            if ".pilah/scratch/" in str(source):
                return link(source, path, **options)
            raise OSError(18, "Invalid cross-device link")

        monkeypatch.setattr(os, "link", across)
    options = SortOptions(mode=mode, tree=True)

    def sort() -> object:
        return sort_photos([str(tmp_path / "photos")], tmp_path / "out", answers, options)

    def undo() -> object:
        return undo_sort(tmp_path / "out")

    def is_begun() -> bool:
        staged = any(tmp_path.glob(".out*"))
        return staged or (tmp_path / "out" / ".pilah").exists()

    for time, name in enumerate(NAMES + COMPANIONS):
        write(tmp_path / "photos" / name, f"photo {time}", time=10**18 + time)
    if there:
        write(tmp_path / "out" / "female" / "f-1.jpg", "there before")
    before = tree_of(tmp_path)
    sort()
    sorted_tree = [(p.source, p.bin, p.destination) for p in read_results(tmp_path / "out")]
    assert len(sorted_tree) == len(NAMES)
    assert not undo().left
    assert tree_of(tmp_path) == before

    at = 0
    while dies(sort, at):
        for then_sort in (False, True):
            if then_sort:
                dies(sort, at)
                sort()
                now = [(p.source, p.bin, p.destination) for p in read_results(tmp_path / "out")]
                assert now == sorted_tree, at
            elif not is_begun():
                assert tree_of(tmp_path) == before, at
                continue
            undone = undo()
            assert not undone.left, at
            assert tree_of(tmp_path) == before, at
        at += 1
    assert at > 20
    undo()
    at = 0
    while True:
        sort()
        if not dies(undo, at):
            break
        if is_begun():
            assert not undo().left, at
        assert tree_of(tmp_path) == before, at
        at += 1
    assert tree_of(tmp_path) == before


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["copy", "move", "link"])
def test_death_at_every_step_after_corrections(tmp_path: Path, mode: Any, disk_kind: str) -> None:
    """An undo finds what a person moved; a later sort keeps it; whenever either of them dies."""
    source, target = tmp_path / "photos", tmp_path / "out"
    for time, name in enumerate(["f-1.jpg", "f-1.xmp", "m-1.jpg", "m-2.jpg"]):
        write(source / name, f"photo {time}", time=10**18 + time)
    before = tree_of(tmp_path)

    def sort() -> object:
        return sort_photos([str(source)], target, answers, SortOptions(mode=mode))

    def undo() -> object:
        return undo_sort(target)

    def correct() -> None:
        sort()
        (target / "male/m-1.jpg").rename(target / "female/m-1.jpg")
        (target / "female/f-1.jpg").rename(target / "male/m-1.jpg")

    def corrected() -> set[str]:
        return {os.path.basename(p.source) for p in read_results(target) if p.corrected}

    at = 0
    while True:
        correct()
        is_killed = dies(undo, at)
        if (target / ".pilah").exists() or any(tmp_path.glob(".out*")):
            assert not undo_sort(target).left, at
        assert tree_of(tmp_path) == before, at
        if not is_killed:
            break
        at += 1
    assert at > 5

    at = 0
    while True:
        correct()
        write(source / "m-3.jpg", "new", time=10**18)
        is_killed = dies(sort, at)
        assert corrected() == {"f-1.jpg", "m-1.jpg"}, at
        sort()
        assert corrected() == {"f-1.jpg", "m-1.jpg"}, at
        assert not undo_sort(target).left, at
        (source / "m-3.jpg").unlink()
        assert tree_of(tmp_path) == before, at
        if not is_killed:
            break
        at += 1
    assert at > 5


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["copy", "move", "link"])
def test_death_at_every_step_of_another_try(
    tmp_path: Path, mode: Any, disk_kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unreadable photo with a companion is put back and sorted again."""
    source, target = tmp_path / "photos", tmp_path / "out"
    for name in ("bad-1.jpg", "bad-1.xmp", "f-2.jpg"):
        write(source / name)
    before = tree_of(tmp_path)

    def sort(results: Any = answers) -> object:
        return sort_photos([str(source)], target, results, SortOptions(mode=mode))

    def better(paths: Any) -> Any:
        return answers(path.replace("bad", "m") for path in paths)

    at = 0
    while True:
        readers(monkeypatch, "few")
        sort()
        readers(monkeypatch, "more")
        is_killed = dies(lambda: sort(better), at)
        sort(better)
        found = {os.path.basename(p.source): p.folder for p in read_results(target)}
        assert found == {"bad-1.jpg": "male", "f-2.jpg": "female"}, at
        assert sorted(os.listdir(target / "male")) == ["bad-1.jpg", "bad-1.xmp"], at
        assert not undo_sort(target).left, at
        assert tree_of(tmp_path) == before, at
        if not is_killed:
            break
        at += 1
    assert at > 5


def readers(monkeypatch: pytest.MonkeyPatch, installed: str) -> None:
    for module in ("again", "placing"):
        monkeypatch.setattr(f"pilah.sorting.{module}.installed_readers", lambda: installed)
