"""How is one file copied, moved or linked, and put back, so that a kill at any moment is harmless?

Forward: what will appear is first made whole under a number in the target's scratch folder (a copy,
a face crop, or for a move a second name of the same file), then it is noted in the journal, then
each file appears at its place at once and never over another one, then, for a move, the original's
name goes.
Back: a file is taken away only if it is unchanged and, for a move, only when its original is in its
place again.
"""

import errno
import hashlib
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pilah.sorting import disk
from pilah.sorting.records import Entry, Placed

Mode = Literal["copy", "move", "link"]
Obstacle = Literal["missing", "changed", "occupied"]

CHUNK = 2**20


def digest_of(path: str | Path) -> str:
    """BLAKE2b of a file's content, 128 bits, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, _hash).hexdigest()


def digest_if_readable(path: str) -> str | None:
    """As `digest_of`, or None: what cannot be read can be moved and linked all the same."""
    try:
        return digest_of(path)
    except OSError:
        return None


def begins_with(path: str, size: int, digest: str | None) -> bool:
    """Whether a file begins with a content of that size and digest, and goes on."""
    begin = _hash()
    try:
        if os.path.getsize(path) <= size:  # most are: nothing is read
            return False
        with open(path, "rb") as file:
            while size and (chunk := file.read(min(CHUNK, size))):
                begin.update(chunk)
                size -= len(chunk)
    except OSError:
        return False
    return begin.hexdigest() == digest


def copy_whole(source: str, draft: str) -> str:
    """Copy a file's bytes, times and, where possible, permissions; flush it to the disk.

    Returns:
        The content's digest.

    Raises:
        OSError: the file cannot be read or written, or changed while it was copied.
    """
    digest = _hash()
    with open(source, "rb") as reader, open(draft, "xb") as writer:
        before = os.fstat(reader.fileno())
        while chunk := reader.read(CHUNK):
            digest.update(chunk)
            writer.write(chunk)
        writer.flush()
        after = os.stat(source)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise OSError(errno.EAGAIN, "changed while it was copied", source)
        with suppress(OSError):  # not every file system keeps permissions
            shutil.copystat(source, draft)
        disk.set_time(draft, before.st_mtime_ns)
        disk.flush(writer.fileno())
    return digest.hexdigest()


def draft_of(source: str, draft: str, mode: Mode) -> str | None:
    """Make what will be placed for a copy or a move: a copy, or a second name of the file.

    A move within one file system copies nothing. Across file systems, and where hard links are
    refused, it is a copy, verified by reading it back.

    Returns:
        The content's digest, by which an undo finds the photo wherever a person moved it; None
        where it cannot be read.

    Raises:
        OSError: the file cannot be read or written, or is a symbolic link to be moved.
    """
    if mode == "copy":
        return copy_whole(source, draft)
    refuse_transfer(source, mode)
    if not disk.link(source, draft):
        return _verified_copy(source, draft)
    return digest_if_readable(draft)


def refuse_transfer(source: str, mode: Mode) -> None:
    """Refuse a file that cannot be copied or moved, as far as can be known beforehand.

    Raises:
        OSError: it may not be read for a copy; for a move, it is a symbolic link or its folder may
            not be written to.
    """
    if mode == "copy" and not os.access(source, os.R_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), source)
    if mode == "move" and os.path.islink(source):
        raise OSError(errno.EINVAL, "is a symbolic link; sort it with --copy or --link", source)
    folder = os.path.dirname(source)
    if mode == "move" and os.path.isdir(folder) and not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, "its folder may not be written to", source)


def place(draft: str, path: str) -> None:
    """Let a draft appear at its place, at once and never over another file.

    Raises:
        FileExistsError: the place is taken.
        OSError: the file system refuses.
    """
    if disk.link(draft, path):
        os.unlink(draft)
        return
    # Without hard links a rename is all there is, and it would overwrite. Only a program that takes
    # the name between these two lines could lose by it.
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
    os.rename(draft, path)


def remove_original(entry: Entry, path: str) -> None:
    """The last step of a move: the file is at `path`, so its first name goes.

    Raises:
        OSError: the original changed since it was looked at, or cannot be removed.
    """
    if not is_original(entry):
        raise OSError(errno.EAGAIN, "changed while it was moved", entry.source)
    if not os.path.samefile(path, entry.source):  # a copy, which must outlast a loss of power
        disk.flush_folder(os.path.dirname(path))
    os.unlink(entry.source)


def is_original(entry: Entry) -> bool:
    """Whether a photo is at its first place, as it was when it was looked at."""
    try:
        status = os.lstat(entry.source)
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (entry.size, entry.mtime_ns)


def is_same_content(path: str, size: int, mtime_ns: int, digest: str | None) -> bool:
    """Whether a file is one that was seen before: by size, then by its time or its digest.

    Another time alone does not make it another file, for some disks change it (`disk.same_time`).
    """
    try:
        status = os.stat(path)
    except OSError:
        return False
    if status.st_size != size:
        return False
    if digest is None:  # unreadable then, or moved or linked by an earlier version
        return disk.same_time(status.st_mtime_ns, mtime_ns)
    return status.st_mtime_ns == mtime_ns or digest_if_readable(path) == digest


def take_back(path: str, placed: Placed, entry: Entry, mode: Mode) -> Obstacle | None:
    """Undo one placed file, whatever part of its placing has happened; harmless when repeated.

    Returns:
        None when everything is as before the sort, else why the file was left alone.

    Raises:
        OSError: the file system refuses.
    """
    if mode == "move":
        with suppress(FileNotFoundError):
            os.unlink(_return_draft(entry.source))
    at_source = os.path.lexists(entry.source)
    if not os.path.lexists(path):
        return None if mode == "move" and at_source else "missing"
    if mode == "move" and at_source and os.path.samefile(path, entry.source):
        os.unlink(path)  # the second name of one file
        return None
    if not _is_unchanged(path, placed, entry, mode):
        return "changed"
    if mode != "move":
        os.unlink(path)
    elif not at_source:
        _return(path, entry)
    elif _is_copy(placed, entry.source):
        os.unlink(path)
    else:
        return "occupied"
    return None


def _is_unchanged(path: str, placed: Placed, entry: Entry, mode: Mode) -> bool:
    if mode == "link":
        return os.path.islink(path) and os.readlink(path) == entry.source
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode) or status.st_size != placed.size:
        return False
    if placed.digest is None:
        return status.st_mtime_ns == placed.mtime_ns
    return digest_of(path) == placed.digest


def _is_copy(placed: Placed, source: str) -> bool:
    there = os.lstat(source)
    is_copy = stat.S_ISREG(there.st_mode) and there.st_size == placed.size
    return is_copy and placed.digest is not None and digest_of(source) == placed.digest


def _return(path: str, entry: Entry) -> None:
    folder = os.path.dirname(entry.source)
    os.makedirs(folder, exist_ok=True)
    if not disk.link(path, entry.source):
        draft = _return_draft(entry.source)
        _verified_copy(path, draft)
        disk.set_time(draft, entry.mtime_ns)
        place(draft, entry.source)
        disk.flush_folder(folder)
    os.unlink(path)


def _return_draft(source: str) -> str:
    folder, name = os.path.split(source)
    tag = hashlib.blake2b(os.fsencode(name), digest_size=8).hexdigest()
    return os.path.join(folder, f".{tag}.pilah-back")


def _verified_copy(source: str, draft: str) -> str:
    digest = copy_whole(source, draft)
    if digest_of(draft) != digest:
        raise OSError(errno.EIO, "its copy differs from it", source)
    return digest


def _hash() -> "hashlib.blake2b":
    return hashlib.blake2b(digest_size=16)
