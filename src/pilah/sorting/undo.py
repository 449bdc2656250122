"""The way back: everything as it was before the sort, also after a part of it.

A file that was changed since, or whose old place is taken, is left alone and named. An undo that
was killed is run again.
"""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from pilah.errors import SortError
from pilah.sorting.journal import JOURNAL, SCRATCH, Journal, open_journal, staging_path
from pilah.sorting.records import Entry
from pilah.sorting.transfer import Mode, digest_of, take_back
from pilah.sorting.walk import reason_of, shown


@dataclass(slots=True)
class Undone:
    """What an undo came to: photos that are as before, and (path, reason) of files that are not."""

    restored: int = 0
    left: list[tuple[str, str]] = field(default_factory=list)


def undo_sort(target: Path, *, progress: Callable[[int, int], None] | None = None) -> Undone:
    """Take copies and links away, move moved photos back, remove what else the sort made.

    Args:
        target: the folder that `pilah sort --to` wrote.
        progress: called with (photos dealt with, photos in all) after each photo.

    Raises:
        SortError: the folder holds no sort, or is in use, or cannot be written to.
    """
    target = Path(os.path.abspath(target))
    undone = Undone()
    try:
        if _finish_removal(target):
            return undone
        with open_journal(target) as journal:
            _take_all_back(journal, undone, progress)
            waiting = _remove_artifacts(journal, undone) or any(
                os.path.lexists(path) for path, _ in undone.left
            )
            for folder in reversed(journal.state.folders):
                with suppress(OSError):  # it holds what is not ours, or is gone
                    os.rmdir(target / folder)
            # While a file of ours waits for the user, the journal is needed to finish.
            if not waiting:
                _remove_target(target, made=journal.state.made_target)
    except OSError as error:
        raise SortError(
            f"the undo of {shown(target)} stopped: {reason_of(error)}; mend that and run it again"
        ) from None
    return undone


def _take_all_back(
    journal: Journal, undone: Undone, progress: Callable[[int, int], None] | None
) -> None:
    state = journal.state
    shutil.rmtree(journal.target / SCRATCH, ignore_errors=True)
    entries = list(state.entries.values())
    for count, entry in enumerate(reversed(entries), start=1):
        was_begun = entry.number in state.undone
        if not was_begun:
            # Only tells a repeated undo that a missing file is its own doing, so a disk that is
            # too full for it must not keep the undo from freeing space.
            with suppress(OSError):
                journal.append({"undo": entry.number})
        left = _take_entry_back(journal, entry, was_begun=was_begun)
        undone.left += left
        undone.restored += not left
        if progress:
            progress(count, len(entries))


def _take_entry_back(journal: Journal, entry: Entry, *, was_begun: bool) -> list[tuple[str, str]]:
    mode = cast(Mode, (journal.state.options or {})["mode"])
    was_done = entry.number in journal.state.done
    left = []
    for placed in entry.files:
        path = str(journal.target / placed.path)
        try:
            obstacle = take_back(path, placed, entry, mode)
        except OSError as error:
            left.append((path, reason_of(error)))
            continue
        if obstacle == "occupied":
            left.append((path, f"another file is now at its old place, {entry.source}"))
        # An interrupted photo may never have come to its place, and what is there is not ours.
        elif obstacle == "changed" and (was_done or not os.path.lexists(entry.source)):
            left.append((path, "was changed since the sort"))
        elif obstacle == "missing" and was_done and not was_begun:
            left.append((path, "is not there any more"))
    return left


def _remove_artifacts(journal: Journal, undone: Undone) -> bool:
    """Remove the report; say whether some of it stays because it was changed."""
    stays = False
    for name, known in journal.state.artifacts.items():
        path = journal.target / name
        if not path.is_file():
            continue
        if known is None or known == (path.stat().st_size, digest_of(path)):
            path.unlink()
        else:
            undone.left.append((str(path), "was changed since it was written"))
            stays = True
    return stays


def _remove_target(target: Path, *, made: bool) -> None:
    folder = (target / JOURNAL).parent
    if made and os.listdir(target) == [folder.name]:
        # Under this name a kill cannot leave a target without a journal, of unknown origin.
        os.rename(target, staging_path(target))
        _finish_removal(target)
    else:
        os.unlink(target / JOURNAL)
        os.rmdir(folder)


def _finish_removal(target: Path) -> bool:
    """Remove what a sort killed at its begin, or an undo killed at its end, left; say if it did."""
    staging = staging_path(target)
    if not os.path.lexists(target) and staging.is_dir():
        shutil.rmtree(staging)
        return True
    folder = (target / JOURNAL).parent
    if folder.is_dir() and not os.listdir(folder):
        os.rmdir(folder)
        return True
    return False
