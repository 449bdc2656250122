"""The journal of a sort as a file: opened by one process at a time, appended to, read back.

`records.py` describes its format. Each line is one write, so it outlives a kill of the process as
soon as `append` returns. Lines before which nothing may be touched are also flushed to the disk
(`durable`), so they outlive a loss of power; the others are not, because losing the end of the
journal is harmless: a `done` that is lost makes the photo be put back and sorted again.
"""

import errno
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from pilah.errors import SortError
from pilah.files import free_name
from pilah.sorting import disk
from pilah.sorting.records import FORMAT, JOURNAL, Line, State, read_state
from pilah.sorting.transfer import digest_of
from pilah.wording import quoted, shown

SCRATCH = ".pilah/scratch"
FULL = {errno.ENOSPC, errno.EDQUOT}
MAX_LINE = 2**24
"""Bytes; a photo with 10,000 faces takes a tenth of it."""


class JournalError(OSError):
    """The journal itself cannot be written, so nothing more may be touched."""


class Journal:
    """An open, locked journal and the state that follows from it; use it as a context."""

    def __init__(self, path: Path, *, create: bool, keep: bool = True) -> None:
        """Open and lock the journal at `path`, and replay it; for `keep` see `State`.

        Raises:
            OSError: the file cannot be opened for writing.
            SortError: another process has it, or it is damaged.
        """
        self._folder = path.parent
        try:
            self._descriptor = disk.open_locked(path, create=create)
        except BlockingIOError as error:
            raise at_work(path.parent.parent, lock=error.filename) from None
        try:
            self._cut_torn_line()
            self.state = read_state(path, keep=keep)
        except BaseException:
            self.__exit__()
            raise

    def append(self, line: Line, *, durable: bool = False) -> None:
        """Write one line, whole or not at all, and take it into account.

        Raises:
            JournalError: the line cannot be written.
        """
        raw = json.dumps(line).encode() + b"\n"
        length = os.fstat(self._descriptor).st_size
        try:
            if os.write(self._descriptor, raw) < len(raw):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if durable:
                disk.flush(self._descriptor)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, length)
            raise JournalError(error.errno, error.strerror, JOURNAL) from None
        self.state.apply(line)

    def restart(self) -> None:
        """Forget all lines."""
        os.ftruncate(self._descriptor, 0)
        self.state = State()

    def claim(self, target: Path, names: Iterable[str]) -> None:
        """Say that report files of these names are about to be written into the target.

        One that the user has edited since is kept beside it: `results (edited).csv`.

        Raises:
            SortError: a file of that name is there and is not a report of this sort.
        """
        names = list(names)
        refuse_in_the_way(self.state, target, names)
        for name in names:
            self._keep_edited(target / name, self.state.artifacts.get(name))
            self.append({"artifact": name}, durable=True)

    def record(self, target: Path, path: Path) -> None:
        """Say that a report file is written, so that an undo knows it again."""
        size, digest = path.stat().st_size, digest_of(path)
        name = os.path.relpath(path, target)
        self.append({"artifact": name, "size": size, "digest": digest}, durable=True)

    def _keep_edited(self, path: Path, written: tuple[int, str] | None) -> None:
        if written is None or not path.is_file():
            return
        if (path.stat().st_size, digest_of(path)) != written:
            name = f"{path.stem} (edited){path.suffix}"
            free = free_name(name, lambda each: os.path.lexists(path.with_name(each)))
            os.rename(path, path.with_name(free))

    def _cut_torn_line(self) -> None:
        size = os.fstat(self._descriptor).st_size
        start = max(0, size - MAX_LINE)
        whole = start + os.pread(self._descriptor, MAX_LINE, start).rfind(b"\n") + 1
        if whole < size:
            os.ftruncate(self._descriptor, whole)

    def __enter__(self) -> Self:
        """The journal itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file, which gives the lock back."""
        disk.unlock(self._folder)
        os.close(self._descriptor)

    def moved_to(self, folder: Path) -> None:
        """Say that the folder of the journal has another name now."""
        disk.lock_moved(self._folder, folder)
        self._folder = folder


def open_journal(target: Path, *, keep: bool = True) -> Journal:
    """Open the journal of a folder that `pilah sort` wrote; for `keep` see `State`.

    Raises:
        SortError: there is none, it is damaged or in use, or the folder cannot be written to.
    """
    try:
        return Journal(target / JOURNAL, create=False, keep=keep)
    except (FileNotFoundError, NotADirectoryError):
        raise no_sort(target) from None
    except OSError as error:
        raise unwritable(target, error) from None


def begin_journal(target: Path, options: dict[str, Any], sources: Iterable[str]) -> Journal:
    """Open the journal of a target; where there is none yet, make it, and the target.

    Raises:
        SortError: the target cannot be made or written to, or its journal is damaged or in use.
    """
    is_new = not os.path.lexists(target)
    home = staging_path(target) if is_new else target
    header = {
        "pilah": FORMAT,
        "options": options,
        "sources": [os.path.abspath(source) for source in sources],
        "made_target": is_new,
    }
    try:
        for folder in (home, (home / JOURNAL).parent):
            with suppress(FileExistsError):
                os.mkdir(folder)
        journal = Journal(home / JOURNAL, create=True)
        try:
            if is_new:
                journal.restart()  # whatever a kill left here had not started
            if journal.state.options is None:
                journal.append(header, durable=True)
            if is_new:
                os.rename(home, target)
                journal.moved_to((target / JOURNAL).parent)
        except BaseException:
            journal.__exit__()
            raise
    except OSError as error:
        if is_new and os.path.lexists(target):  # the other made it in this very moment
            raise at_work(target) from None
        raise unwritable(target, error) from None
    return journal


def staging_path(target: Path) -> Path:
    """Where a new target is made, to appear at once with its journal inside.

    So it is never a guess whether a target was there before the sort, whenever that was killed.
    """
    return target.parent / f".{target.name}.pilah-new"


def at_work(target: Path, *, lock: str | None = None) -> SortError:
    """What to say when another process has the journal; `lock` is the file that says so."""
    remedy = f", or delete {shown(lock)} if none is" if lock else ""
    return SortError(f"another pilah is at work in {shown(target)}; wait for it to end{remedy}")


def no_sort(target: Path) -> SortError:
    """What to say of a folder without a journal."""
    return SortError(
        f"{shown(target)} holds no sort ({JOURNAL} is missing); give the folder that "
        "`pilah sort --to` wrote"
    )


def refuse_undone(state: State, target: Path) -> None:
    """Refuse a sort that is being undone.

    Raises:
        SortError: an undo was begun.
    """
    if state.undone:
        raise SortError(
            f"an undo of {shown(target)} was begun and is not finished; run `pilah undo "
            f"{quoted(target)}` again, or sort into another folder"
        )


def refuse_in_the_way(state: State, target: Path, names: Iterable[str]) -> None:
    """Refuse to overwrite a user's file with a report.

    Raises:
        SortError: a file of such a name is there and is not a report of this sort.
    """
    for name in names:
        if name not in state.artifacts and os.path.lexists(target / name):
            raise SortError(
                f"{shown(target / name)} exists and is not from pilah; move it away, or sort "
                "into another folder"
            )


def unwritable(target: Path, error: OSError) -> SortError:
    """What to say of a target that cannot be written to."""
    remedy = "give a folder that you may write to, in a folder that exists"
    if error.errno in FULL:
        remedy = "make room, or give a folder on another disk"
    return SortError(f"cannot write to {shown(target)} ({error.strerror}); {remedy}")
