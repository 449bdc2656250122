"""Where is a file that a person moved by hand since the sort?

It is looked for in all folders of the target, by size first and then by its digest. Only files that
could be meant are read, and none that lies where the sort put it.
"""

import os
import stat
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pilah.sorting.disk import same_time
from pilah.sorting.records import Entry, Placed
from pilah.sorting.transfer import Mode, digest_if_readable, is_same_content

Key = TypeVar("Key", bound=Hashable)


def is_in_place(target: Path, placed: Placed, entry: Entry, mode: Mode) -> bool:
    """Whether a file lies, unchanged as far as size and time show, where the sort put it."""
    path = os.path.join(target, placed.path)
    if mode == "link":
        return os.path.islink(path) and os.readlink(path) == entry.source
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    return is_same_content(path, placed.size, placed.mtime_ns, placed.digest)


def find_moved(
    target: Path,
    mode: Mode,
    wanted: Iterable[tuple[Key, Entry, Placed]],
    entries: Iterable[Entry],
) -> dict[Key, str]:
    """Find files that are not where the sort put them.

    Args:
        target: the folder that was sorted into.
        mode: how it was sorted.
        wanted: what to look for, each with a key of the caller's choice.
        entries: all of the sort, for a file in its place is no other one.

    Returns:
        For each key that was found, the path relative to the target.
    """
    waiting: dict[tuple[int | str, str | None], list[tuple[Key, Placed]]] = defaultdict(list)
    for key, entry, placed in wanted:
        kind = entry.source if mode == "link" else placed.size
        waiting[kind, placed.digest].append((key, placed))
    kinds = {kind for kind, _ in waiting}
    candidates = {path: kind for path, kind in _files(target, mode) if kind in kinds}
    for entry in entries:
        for placed in entry.files:
            if placed.path in candidates and is_in_place(target, placed, entry, mode):
                del candidates[placed.path]
    found: dict[Key, str] = {}
    for path, kind in candidates.items():
        full = os.path.join(target, path)
        # None: a link, or a move by an earlier version, which is known by its time
        for digest in (None,) if mode == "link" else (digest_if_readable(full), None):
            alike = [
                (os.path.basename(placed.path) != os.path.basename(path), number)
                for number, (_, placed) in enumerate(waiting.get((kind, digest), ()))
                if digest or mode == "link" or same_time(_time(full), placed.mtime_ns)
            ]
            if alike:
                key, _ = waiting[kind, digest].pop(min(alike)[1])
                found[key] = path
                break
    return found


def _files(target: Path, mode: Mode) -> Iterator[tuple[str, int | str]]:
    """Every file below the target with its size, or every link with where it leads."""
    for top, folders, names in os.walk(target):
        if top == str(target):
            folders[:] = [name for name in folders if name != ".pilah"]
        folders.sort()
        for name in sorted(names):
            path = os.path.join(top, name)
            try:
                status = os.lstat(path)
                if mode == "link" and stat.S_ISLNK(status.st_mode):
                    yield os.path.relpath(path, target), os.readlink(path)
                elif mode != "link" and stat.S_ISREG(status.st_mode):
                    yield os.path.relpath(path, target), status.st_size
            except OSError:
                continue


def _time(path: str) -> int:
    return os.lstat(path).st_mtime_ns
