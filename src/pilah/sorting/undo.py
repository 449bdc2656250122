"""The way back: what a sort did is undone, the last first, whatever moment it was stopped at.

It may itself be killed and run again: each step looks at what is there. The journal goes last. It
stays while anything was left alone, so that the undo can be run again after the user decided.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pilah.errors import SortError
from pilah.sorting import disk
from pilah.sorting.journal import (
    JOURNAL,
    SCRATCH,
    Journal,
    JournalError,
    open_journal,
    staging_path,
)
from pilah.sorting.records import Entry
from pilah.sorting.transfer import Mode, digest_of, take_back
from pilah.sorting.walk import reason_of, shown

WORDS = {
    "missing": "is no longer there",
    "changed": "was changed after the sort",
    "occupied": "another file is now at its first place",
    "original gone": "its original is gone, so this copy is kept",
}


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo came to.

    `restored` counts the photos that are as before the sort, `left` has each path that was left
    alone with the reason.
    """

    restored: int
    left: tuple[tuple[str, str], ...]


def undo_sort(target: Path) -> Undone:
    """Restore the state before a sort, whole or stopped half-way.

    Args:
        target: the folder that was sorted into.

    Raises:
        SortError: the folder holds no sort, another process is at work in it, or it cannot be
            written to.
    """
    target = Path(os.path.abspath(target))
    try:
        return Undone(0, ()) if _finish(target) else _undo(target)
    except OSError as error:
        raise SortError(
            f"stopped the undo of {shown(target)} ({reason_of(error)}); give yourself the right "
            "to write there, then run `pilah undo` again"
        ) from None


def _undo(target: Path) -> Undone:
    left: list[tuple[str, str]] = []
    restored = 0
    with open_journal(target) as journal:
        state = journal.state
        options = state.options or {}
        mode: Mode = options.get("mode", "copy")
        keep_lone_copies = mode == "copy" and not options.get("faces")
        for number, entry in reversed(state.entries.items()):
            again = number in state.undone
            if not again:
                with suppress(JournalError):  # on a full disk an undo makes room
                    journal.append({"undo": number})
            found = _take_back(target, entry, mode, keep_lone_copies)
            if again or mode != "move":
                found = [(path, word) for path, word in found if word != "missing"]
            left += [(path, WORDS.get(word, word)) for path, word in found]
            restored += not found
        left += _remove_reports(target, journal)
        for path in (target / SCRATCH).glob("*"):
            path.unlink()
        for folder in (SCRATCH, *reversed(state.folders)):
            with suppress(OSError):  # holds what is not ours
                os.rmdir(target / folder)
        if not left:
            _remove_journal(target, made_target=state.made_target)
    return Undone(restored, tuple(left))


def _take_back(
    target: Path, entry: Entry, mode: Mode, keep_lone_copies: bool
) -> list[tuple[str, str]]:
    """Undo one photo; the paths that were left alone, each with why."""
    left = []
    for placed in entry.files:
        path = os.path.join(target, placed.path)
        obstacle: str | None
        if keep_lone_copies and os.path.lexists(path) and not os.path.lexists(entry.source):
            obstacle = "original gone"
        else:
            try:
                obstacle = take_back(path, placed, entry, mode)
            except OSError as error:
                obstacle = reason_of(error)
        if obstacle:
            left.append((path, obstacle))
    return left


def _remove_reports(target: Path, journal: Journal) -> list[tuple[str, str]]:
    left = []
    for name, known in journal.state.artifacts.items():
        path = target / name
        if not path.is_file():
            continue
        # One whose writing was cut off has no digest, but nothing else had its name before.
        if known is None or (path.stat().st_size, digest_of(path)) == known:
            path.unlink()
        else:
            left.append((str(path), WORDS["changed"]))
    return left


def _remove_journal(target: Path, *, made_target: bool) -> None:
    if made_target and os.listdir(target) == [os.path.dirname(JOURNAL)]:
        # At once, so that no kill can leave an empty target behind that nobody knows to be ours.
        os.rename(target, staging_path(target))
        _finish(target)
    else:
        (target / JOURNAL).unlink()
        _finish(target)


def _finish(target: Path) -> bool:
    """Remove what an undo, or a sort that had not begun, leaves when killed at its very end."""
    staging = staging_path(target)
    if not os.path.lexists(target) and staging.is_dir():
        with suppress(OSError):
            (staging / JOURNAL).unlink(missing_ok=True)
            _remove_home((staging / JOURNAL).parent)
        with suppress(OSError):
            staging.rmdir()
        return True
    home = (target / JOURNAL).parent
    if home.is_dir() and all(map(disk.is_lock, home.iterdir())):
        _remove_home(home)
        return True
    return False


def _remove_home(home: Path) -> None:
    for path in filter(disk.is_lock, home.iterdir()):
        path.unlink(missing_ok=True)
    home.rmdir()
