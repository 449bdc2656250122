"""The way back: what a sort did is undone, the last first, whatever moment it was stopped at.

A photo that a person moved to another folder of the target is found there (`moved.py`). An undo may
itself be killed and run again: each step looks at what is there. The journal goes last. It stays
while anything was left alone, so that the undo can be run again after the user decided.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pilah.errors import SortError
from pilah.sorting import disk
from pilah.sorting.bins import BINS
from pilah.sorting.journal import SCRATCH, Journal, JournalError, open_journal, staging_path
from pilah.sorting.moved import find_moved, is_in_place
from pilah.sorting.origin import moved_folder, refuse_missing, relocated
from pilah.sorting.records import JOURNAL, Entry, Placed, State
from pilah.sorting.transfer import Mode, digest_of, is_same_content, take_back
from pilah.wording import reason_of, shown

WORDS = {
    "missing": "is no longer there",
    "changed": "was changed after the sort",
    "occupied": "another file is now at its first place",
    "original gone": "its original is gone, so this copy is kept",
    "original changed": "its original has changed since the sort, so this copy is kept",
}


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo came to.

    `restored` counts the photos that are as before the sort, `left` has each path that was left
    alone with the reason.
    """

    restored: int
    left: tuple[tuple[str, str], ...]


def undo_sort(target: Path, *, to: Path | None = None) -> Undone:
    """Restore the state before a sort, whole or stopped half-way.

    Args:
        target: the folder that was sorted into.
        to: where the folder of the photos is now, if it was renamed or is mounted elsewhere.

    Raises:
        SortError: the folder holds no sort, another process is at work in it, or it cannot be
            written to; or the photos' own folder is not there and `to` is not given.
    """
    target = Path(os.path.abspath(target))
    try:
        return Undone(0, ()) if _finish(target) else _undo(target, to)
    except OSError as error:
        raise SortError(
            f"stopped the undo of {shown(target)} ({reason_of(error)}); give yourself the right "
            "to write there, then run `pilah undo` again"
        ) from None


def _undo(target: Path, to: Path | None) -> Undone:
    left: list[tuple[str, str]] = []
    with open_journal(target) as journal:
        state = journal.state
        mode: Mode = (state.options or {}).get("mode", "copy")
        if to is not None:
            to = Path(os.path.abspath(to))
            old = moved_folder(state, to)
        elif mode == "move":
            refuse_missing(state, target)
        restored = sum(_is_photo(state.entries[number]) for number in state.restored)
        for entry, places in _places(target, state, mode):
            if entry.number not in state.undone:
                _note(journal, {"undo": entry.number})
            if to is not None and mode != "link":
                entry = relocated(entry, old, to)
            obstacles = _take_back(target, entry, places, state, mode)
            words = {word for _, word in obstacles}
            if words == {WORDS["missing"]} and _is_back_by_hand(entry, state):
                obstacles = []
            left += obstacles
            if not obstacles:
                restored += _is_photo(entry)
                _note(journal, {"restored": entry.number})
            elif words == {WORDS["changed"]}:
                _note(journal, {"changed": entry.number})
        left += _remove_reports(target, journal)
        for path in (target / SCRATCH).glob("*"):
            path.unlink()
        # A bin that a person made to correct a photo is empty now; where the target was there
        # before, it may be the user's own.
        made = [*BINS, *state.folders] if state.made_target else state.folders
        for folder in (SCRATCH, *reversed(made)):
            with suppress(OSError):  # holds what is not ours
                os.rmdir(target / folder)
        if not left:
            _remove_journal(target, made_target=state.made_target)
    return Undone(restored, tuple(left))


def _is_back_by_hand(entry: Entry, state: State) -> bool:
    """Whether a photo that the user changed, as an earlier undo said, is at its first place."""
    return entry.number in state.changed and os.path.lexists(entry.source)


def _note(journal: Journal, line: dict[str, int]) -> None:
    with suppress(JournalError):  # on a full disk an undo makes room
        journal.append(line)


def _is_photo(entry: Entry) -> bool:
    return entry.companion_of is None


def _places(target: Path, state: State, mode: Mode) -> Iterator[tuple[Entry, list[str | None]]]:
    """What is left to undo, the last first, and where each file of it is now.

    A place is None where a person put another photo of the sort instead.
    """
    entries = [entry for number, entry in state.entries.items() if number not in state.restored]
    wanted = [
        ((entry.number, count), entry, placed)
        for entry in entries
        if entry.number in state.done or (mode == "move" and not os.path.lexists(entry.source))
        for count, placed in enumerate(entry.files)
        if not is_in_place(target, placed, entry, mode)
    ]
    found = find_moved(target, mode, wanted, entries) if wanted else {}
    others = set(found.values())
    for entry in reversed(entries):
        places: list[str | None] = []
        for count, placed in enumerate(entry.files):
            own = None if placed.path in others else placed.path
            path = found.get((entry.number, count), own)
            places.append(path and os.path.join(target, path))
        yield entry, places


def _take_back(
    target: Path, entry: Entry, places: list[str | None], state: State, mode: Mode
) -> list[tuple[str, str]]:
    """Undo one photo; the paths that were left alone, each with why."""
    left = []
    for placed, path in zip(entry.files, places, strict=True):
        try:
            word: str | None
            if path is None:
                word = None if os.path.lexists(entry.source) else "missing"
            else:
                word = _lone_copy(path, entry, state, mode) or take_back(path, placed, entry, mode)
            if word == "missing" and mode != "move":
                word = None
            if word is None and mode == "move" and entry.number in state.done:
                word = _lost(placed, entry)
        except OSError as error:
            word = reason_of(error)
        if word:
            left.append((path or str(target / placed.path), WORDS.get(word, word)))
    return left


def _lone_copy(path: str, entry: Entry, state: State, mode: Mode) -> str | None:
    """Why a copy may be the only one of its content."""
    if mode != "copy" or (state.options or {}).get("faces") or not os.path.lexists(path):
        return None
    if not os.path.lexists(entry.source):
        return "original gone"
    is_original = is_same_content(entry.source, entry.size, entry.mtime_ns, entry.digest)
    return None if is_original else "original changed"


def _lost(placed: Placed, entry: Entry) -> str | None:
    """Whether what lies at a photo's first place after a move is another file."""
    is_back = is_same_content(entry.source, placed.size, entry.mtime_ns, placed.digest)
    return None if is_back else "missing"


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
    """Remove what an undo, or a sort that had not started, leaves when killed at its very end."""
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
