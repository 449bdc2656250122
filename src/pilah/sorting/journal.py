"""The journal of a sort as a file: opened by one process at a time, appended to, read back.

`records.py` tells its format. Each line is one write, so it outlives a kill of the process as soon
as `append` returns. Lines before which nothing may be touched are also flushed to the disk
(`durable`), so they outlive a loss of power; the others are not, because losing the end of the
journal is harmless: a `done` that is lost makes the photo be put back and sorted again.
"""

import errno
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pilah.errors import SortError
from pilah.sorting import disk
from pilah.sorting.bins import Bin
from pilah.sorting.records import FORMAT, Line, State, read_lines, read_state, result_from
from pilah.sorting.transfer import digest_of
from pilah.sorting.walk import shown
from pilah.types import Result

JOURNAL = ".pilah/journal.jsonl"
SCRATCH = ".pilah/scratch"
MAX_LINE = 2**24
"""Bytes; a photo with 10,000 faces takes a tenth of it."""


@dataclass(frozen=True, slots=True)
class SortedPhoto:
    """One photo of a sort.

    `source` is its absolute path before the sort, `destination` where the sort put it, below the
    target as it was given; None for a photo that could not even be opened, and with `--faces`.
    """

    source: str
    bin: Bin
    destination: str | None
    result: Result


class JournalError(OSError):
    """The journal itself cannot be written, so nothing more may be touched."""


class Journal:
    """An open, locked journal and the state that it tells; use it as a context, so it is closed."""

    def __init__(self, path: Path, *, create: bool) -> None:
        """Open and lock the journal at `path`, and replay it.

        Raises:
            OSError: the file cannot be opened for writing.
            SortError: another process has it, or it is damaged.
        """
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        self._folder = path.parent
        self._descriptor = os.open(path, flags, 0o666)
        try:
            disk.lock(self._descriptor, self._folder)
            self._cut_torn_line()
            self.state = read_state(path)
        except BlockingIOError as error:
            os.close(self._descriptor)
            remedy = f", or delete {shown(error.filename)} if none is" if error.filename else ""
            raise SortError(
                f"another pilah is at work in {shown(path.parent.parent)}; wait for it to end"
                + remedy
            ) from None
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


def open_journal(target: Path) -> Journal:
    """Open the journal of a folder that `pilah sort` wrote.

    Raises:
        SortError: there is none, it is damaged or in use, or the folder cannot be written to.
    """
    try:
        return Journal(target / JOURNAL, create=False)
    except (FileNotFoundError, NotADirectoryError):
        raise SortError(
            f"{shown(target)} holds no sort ({JOURNAL} is missing); give the folder that "
            "`pilah sort --to` wrote"
        ) from None
    except OSError as error:
        raise _unwritable(target, error) from None


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
                journal.restart()  # whatever a kill left here had not begun
            if journal.state.options is None:
                journal.append(header, durable=True)
            if is_new:
                os.rename(home, target)
                journal.moved_to((target / JOURNAL).parent)
        except BaseException:
            journal.__exit__()
            raise
    except OSError as error:
        raise _unwritable(target, error) from None
    return journal


def staging_path(target: Path) -> Path:
    """Where a new target is made, to appear at once with its journal inside.

    So it is never a guess whether a target was there before the sort, whenever that was killed.
    """
    return target.parent / f".{target.name}.pilah-new"


def read_results(target: Path) -> Iterator[SortedPhoto]:
    """Every photo that a sort has dealt with, from its journal alone, one at a time.

    Photos that are not sorted yet are left out, so this may be read while a sort runs.

    Raises:
        SortError: the folder holds no sort, or its journal is damaged.
    """
    path = target / JOURNAL
    if not path.is_file():
        raise SortError(
            f"{shown(target)} holds no sort ({JOURNAL} is missing); give the folder that "
            "`pilah sort --to` wrote"
        )
    state = read_state(path)
    whole_photos = not (state.options or {}).get("faces")
    for line in read_lines(path):
        if line.get("intend") in state.done:
            files = line["files"] if whole_photos else []
            destination = str(target / files[0]["path"]) if files else None
            yield SortedPhoto(line["source"], line["bin"], destination, result_from(line))
    for source, error in state.failed.items():
        yield SortedPhoto(source, "unreadable", None, Result(source, error=error))


def claim_artifacts(target: Path, names: Iterable[str]) -> None:
    """Say in the journal that report files of these names are about to be written.

    Raises:
        SortError: a file of that name is there and is not a report of this sort.
    """
    with open_journal(target) as journal:
        for name in names:
            if name not in journal.state.artifacts and os.path.lexists(target / name):
                raise SortError(
                    f"{shown(target / name)} exists and is not from pilah; move it away, or sort "
                    "into another folder"
                )
            journal.append({"artifact": name}, durable=True)


def record_artifact(target: Path, path: Path) -> None:
    """Say in the journal that a report file is written, so that an undo knows it again.

    Args:
        target: the folder that was sorted into.
        path: the file, inside it.
    """
    name = os.path.relpath(path, target)
    line = {"artifact": name, "size": path.stat().st_size, "digest": digest_of(path)}
    with open_journal(target) as journal:
        journal.append(line, durable=True)


def _unwritable(target: Path, error: OSError) -> SortError:
    return SortError(
        f"cannot write to {shown(target)} ({error.strerror}); give a folder that you may write to, "
        "in a folder that exists"
    )
