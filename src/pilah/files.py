"""How is a file written whole or not at all, and what does each system lack?

A draft is written beside its place, flushed to the disk, and takes the place at once; what was
there before stays until then. A draft's name starts with `.draft-` and ends as the file's does,
for libraries that go by the ending; one that a kill left behind is overwritten by the next.

A disk that does not flush (network folders, memory cards) writes all the same, so its refusal is
returned, not raised.

Windows cannot flush a folder, and locks with `msvcrt` instead of `fcntl`; macOS and Windows have no
`posix_fallocate`. What stands in for them there has run on Linux only, or not at all.
"""

import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from pilah.errors import DataError

MAX_NAME = 255
"""Bytes in a file's name, on every usual file system."""

NO_WAY_AROUND = {
    *(errno.EEXIST, errno.ENOENT, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO),
}
"""Errors that are no mere refusal: the disk is full or fails, a name is taken or not there."""

CHUNK = 2**20
LOCKED_BYTE = 2**40
"""Which byte Windows locks: far behind the end, for a locked byte cannot be read there."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the draft to write; when the block ends without an error it becomes `path`.

    Raises:
        OSError: the draft cannot be written or moved; it is gone, and `path` is as it was.
    """
    draft = path.with_name(f".draft-{path.name}")
    try:
        yield draft
        put_in_place(draft, path)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a file of UTF-8 text in one step.

    Raises:
        OSError: it cannot be written; `path` is as it was.
    """
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def staged(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """Yield a scratch folder; when the block ends its files of these names move into `folder`.

    The folder is made at once, so that one that cannot be written to is known before the long work.
    The file named last says that the others are there.

    Raises:
        DataError: another process writes the same files there.
        OSError: the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with scratch_folder(folder / f".drafts-{names[-1]}") as scratch:
        yield scratch
        for name in names:
            put_in_place(scratch / name, folder / name)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Yield a folder for one process, which is gone when the block ends.

    What a kill left there goes first.

    Raises:
        DataError: another process has it.
        OSError: it cannot be made.
    """
    if path.is_symlink() or path.is_file():
        path.unlink()
    path.mkdir(exist_ok=True)
    locked = path / ".lock"
    try:
        descriptor = open_locked(locked, create=True)
    except BlockingIOError:
        raise DataError(
            f"another pilah is writing into {path.parent}; wait until it has ended, or name "
            "another target with --to"
        ) from None
    except OSError:  # the disk knows no locks
        descriptor = open_to_append(locked, create=True)
    try:
        for entry in os.scandir(path):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry)
            elif entry.name != locked.name:
                os.unlink(entry)
        yield path
    finally:
        # Gone before the next process can have the lock; Windows removes no open file
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)
        if sys.platform == "win32":
            shutil.rmtree(path, ignore_errors=True)


def put_in_place(draft: Path, path: Path) -> OSError | None:
    """Flush a finished draft to the disk and let it replace `path`, in the same file system.

    Returns:
        The disk's refusal to flush, if it refuses.

    Raises:
        OSError: the disk is full or fails, or the draft cannot be moved.
    """
    with draft.open("r+b") as file:
        refused = flush(file.fileno())
    os.replace(draft, path)
    return flush_folder(path.parent) or refused


def flush(descriptor: int) -> OSError | None:
    """Flush an open file to the disk; on macOS also out of the disk's own memory.

    Returns:
        The disk's refusal, if it refuses.

    Raises:
        OSError: the disk is full or fails.
    """
    if sys.platform == "darwin":
        import fcntl

        with suppress(OSError):  # network volumes do not know it
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return None
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno in NO_WAY_AROUND:
            raise
        return error
    return None


def flush_folder(folder: str | Path) -> OSError | None:
    """Flush to the disk which names a folder holds, as `flush` does; Windows does so by itself."""
    if sys.platform == "win32":
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        return flush(descriptor)
    finally:
        os.close(descriptor)


def numbered(name: str, number: int) -> str:
    """`x.jpg` as it is for 1, `x (2).jpg` for 2, and so on; for the number a long stem is cut."""
    stem, suffix = os.path.splitext(name)
    return shortened(stem, f" ({number}){suffix}") if number > 1 else name


def shortened(stem: str, ending: str) -> str:
    """A file name from its stem and ending, the stem cut so that the name is not too long."""
    while stem and len(os.fsencode(stem + ending)) > MAX_NAME:
        stem = stem[:-1]
    return stem + ending


def free_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """The name itself, or the first of `x (2).jpg`, `x (3).jpg`… that is not taken."""
    number = 1
    while is_taken(free := numbered(name, number)):
        number += 1
    return free


def open_locked(path: str | Path, *, create: bool) -> int:
    """Open a file to read and append, for one process at a time; closing gives the lock back.

    Returns:
        The descriptor.

    Raises:
        BlockingIOError: another process has it.
        OSError: the file cannot be opened for writing.
    """
    descriptor = open_to_append(path, create=create)
    try:
        lock(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_to_append(path: str | Path, *, create: bool) -> int:
    """Open a file to read and append, without a lock.

    Raises:
        OSError: the file cannot be opened for writing.
    """
    flags = os.O_RDWR | os.O_APPEND | (os.O_CREAT if create else 0)
    flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    return os.open(path, flags, 0o666)


def lock(descriptor: int) -> None:
    """Lock an open file for this process, until it is closed.

    Raises:
        BlockingIOError: another process has it.
        OSError: the disk knows no locks.
    """
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(error.errno, error.strerror) from None
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def reserve(file: BinaryIO) -> None:
    """Reserve room on the disk for all of a file's length, holes too; its content stays.

    Raises:
        OSError: the disk is too full.
    """
    size = os.fstat(file.fileno()).st_size
    if sys.platform in ("win32", "darwin"):
        write_again(file)
    else:
        os.posix_fallocate(file.fileno(), 0, size)


def write_again(file: BinaryIO) -> None:
    """Write a file's content over itself, which fills its holes where nothing else can.

    Raises:
        OSError: the disk is too full.
    """
    file.seek(0)
    while block := file.read(CHUNK):
        file.seek(-len(block), os.SEEK_CUR)
        file.write(block)
        file.seek(0, os.SEEK_CUR)
    file.flush()
