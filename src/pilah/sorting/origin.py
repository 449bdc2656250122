"""Where did the photos come from, and is that place still there?

A folder that was renamed, or a disk that is mounted elsewhere, must not be made again at its old
path: the photos would lie where nobody looks for them. A folder that the user removed because it
was empty is made again.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from pilah.errors import SortError
from pilah.sorting.records import Entry, State
from pilah.wording import quoted, shown

Identity = list[int]
"""Device and inode of a folder, which it keeps when it is renamed."""


def identities(sources: Iterable[str]) -> dict[str, Identity]:
    """The folders that sources are, or lie in, each with its identity."""
    folders = (path if os.path.isdir(path) else os.path.dirname(path) for path in sources)
    return {folder: _identity(folder) for folder in folders if os.path.isdir(folder)}


def refuse_missing(state: State, target: Path) -> None:
    """Refuse to restore into a folder that is now somewhere else.

    Raises:
        SortError: a folder of photos was renamed, or its disk is mounted elsewhere.
    """
    for folder, renamed in _missing(state):
        now = f" (it may be {shown(renamed)} now)" if renamed else ""
        raise SortError(
            f"the photos would go back to {shown(folder)}, but it is not there any more{now}; run "
            f"`pilah undo {quoted(target)} --to DIR` with where {shown(folder)} is now"
        )


def moved_folder(state: State, to: Path) -> str:
    """The folder of photos that is at `to` now.

    It is the one that is not there any more; of several, the folder that they have in common.

    Raises:
        SortError: no such folder is at `to`.
    """
    roots = list(_roots(state))
    gone = [folder for folder, _ in _missing(state)]
    gone = gone or [folder for folder in roots if not os.path.isdir(folder)] or roots
    old = os.path.commonpath(gone)
    for folder in gone:
        new = os.path.normpath(os.path.join(to, os.path.relpath(folder, old)))
        if not os.path.isdir(new):
            raise SortError(
                f"no folder at {shown(new)}; give --to where {shown(old)} is now, or name it "
                f"{shown(folder)} again and leave --to out"
            )
    return old


def relocated(entry: Entry, old: str, new: Path) -> Entry:
    """An entry whose photo goes back below `new` instead of `old`, if it came from there."""
    if not Path(entry.source).is_relative_to(old):
        return entry
    return replace(entry, source=os.path.join(new, os.path.relpath(entry.source, old)))


def _missing(state: State) -> Iterator[tuple[str, str | None]]:
    """The folders that are somewhere else now, and where, if that is known."""
    for folder, identity in _roots(state).items():
        if os.path.isdir(folder):
            continue
        parent = os.path.dirname(folder)
        is_here = os.path.isdir(parent) and identity[:1] in ([], _identity(parent)[:1])
        renamed = _find(parent, identity) if is_here else None
        if renamed or not is_here:  # else it was removed, and is made again
            yield folder, renamed


def _roots(state: State) -> dict[str, Identity]:
    """The folders that photos came from; journals of format 1 do not know their identity."""
    if state.roots:
        return state.roots
    files = {entry.source for entry in state.entries.values()}
    sources = (os.path.dirname(path) if path in files else path for path in state.sources)
    return {folder: [] for folder in sources}


def _find(parent: str, identity: Identity) -> str | None:
    with os.scandir(parent) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and _identity(entry.path) == identity:
                return entry.path
    return None


def _identity(path: str) -> Identity:
    status = os.stat(path)
    return [status.st_dev, status.st_ino]
