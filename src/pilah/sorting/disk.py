"""What may a disk refuse, and what is the next-best way then?

Network folders, memory cards (FAT, exFAT) and phones may know no hard links, no locks, or no flush
of a folder, and each answers with another error number. So every refusal counts, but for those that
the next-best way would meet too: the disk is full, the name is taken, the file is not there.

| refused           | instead                                                              |
|-------------------|----------------------------------------------------------------------|
| a hard link       | a copy that is read back and compared; a rename to a name just seen free |
| a lock            | a file `lock.HOST.PID` beside the journal                            |
| a file's time     | none: whether a file is the same is known by its content             |
| a flush           | none: a loss of power may cost the last photos, a kill costs nothing |

What was refused is kept in words in `notes`, each once, for the summary.
"""

import errno
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path

from pilah import files
from pilah.files import NO_WAY_AROUND

ORDINARY = {errno.EXDEV, errno.EMLINK}
"""Refusals of a hard link that say nothing about the disk: it leads to another one, or is one more
than a file may have."""

HOUR_NS = 3_600_000_000_000
FAT_STEP_NS = 2_000_000_000

_notes: dict[str, str] = {}
_held: set[str] = set()


def notes() -> tuple[str, ...]:
    """What a disk has refused since the process began, and what was done instead, in words."""
    return tuple(_notes.values())


def link(source: str, path: str) -> bool:
    """Give a file a second name; False where the disk refuses.

    Raises:
        FileExistsError: the name is taken.
        OSError: the disk is full, or the source is not there.
    """
    try:
        os.link(source, path, follow_symlinks=False)
    except OSError as error:
        _pass(error, "link", "knows no hard links; files are copied and compared instead")
        return False
    return True


def flush(descriptor: int) -> None:
    """Flush an open file to the disk.

    Raises:
        OSError: the disk is full or fails.
    """
    _no_flush(files.flush(descriptor))


def flush_folder(folder: str | Path) -> None:
    """Flush to the disk which names a folder holds.

    Raises:
        OSError: the folder is not there, or the disk fails.
    """
    _no_flush(files.flush_folder(folder))


def set_time(path: str, mtime_ns: int) -> None:
    """Set when a file was last changed.

    Raises:
        OSError: the file is not there, or the disk fails.
    """
    try:
        os.utime(path, ns=(mtime_ns, mtime_ns))
    except OSError as error:
        _pass(error, "time", "does not keep the time of a file; its content is compared instead")


def put_in_place(draft: Path, path: Path) -> None:
    """Flush a finished draft to the disk and let it replace `path`, in the same file system.

    Raises:
        OSError: the disk is full or fails.
    """
    _no_flush(files.put_in_place(draft, path))


def open_locked(path: Path, *, create: bool) -> int:
    """Open a file to read and append, for one process at a time; `unlock` before it is closed.

    Returns:
        The descriptor.

    Raises:
        BlockingIOError: another process has it; its `filename` is the file that says so, if any.
        OSError: the file cannot be opened for writing.
    """
    descriptor = files.open_to_append(path, create=create)
    try:
        _lock(descriptor, path.parent)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _lock(descriptor: int, folder: Path) -> None:
    try:
        files.lock(descriptor)
    except BlockingIOError:
        raise
    except OSError as error:
        _pass(error, "lock", "knows no locks; a file beside the journal is used instead")
        _lock_by_file(folder)


def is_locked(path: Path) -> bool:
    """Whether another process has a file open with `open_locked`; nothing is written."""
    if any(other != _own_lock(path.parent) and _is_alive(other) for other in _locks(path.parent)):
        return True
    descriptor = files.open_to_append(path, create=False)
    try:
        files.lock(descriptor)
    except BlockingIOError:
        return True
    except OSError:
        return str(_own_lock(path.parent)) in _held
    finally:
        os.close(descriptor)
    return False


def unlock(folder: Path) -> None:
    """Remove the file that stands for a lock, if there is one."""
    own = _own_lock(folder)
    if str(own) in _held:
        _held.discard(str(own))
        own.unlink(missing_ok=True)


def lock_moved(folder: Path, to: Path) -> None:
    """Say that the folder of a lock has another name now."""
    if str(_own_lock(folder)) in _held:
        _held.discard(str(_own_lock(folder)))
        _held.add(str(_own_lock(to)))


def is_lock(path: Path) -> bool:
    """Whether a file stands for a lock."""
    return path.name.startswith("lock.")


def _lock_by_file(folder: Path) -> None:
    """Make a file first and look for others then, so that two processes never both work."""
    own = _own_lock(folder)
    if str(own) in _held:
        raise BlockingIOError
    own.touch()
    for other in _locks(folder):
        if other != own and _is_alive(other):
            own.unlink()
            raise BlockingIOError(errno.EAGAIN, "locked", str(other))
        if other != own:
            other.unlink(missing_ok=True)
    _held.add(str(own))


def _locks(folder: Path) -> list[Path]:
    return list(folder.glob("lock.*"))


def _own_lock(folder: Path) -> Path:
    return folder / f"lock.{platform.node() or 'here'}.{os.getpid()}"


def _is_alive(path: Path) -> bool:
    """Whether the process that made a lock file may still run; one on another machine may."""
    host, _, number = path.name.removeprefix("lock.").rpartition(".")
    if host != (platform.node() or "here") or not number.isdigit() or sys.platform == "win32":
        return True
    with suppress(PermissionError):
        try:
            os.kill(int(number), 0)
        except (ProcessLookupError, OverflowError):
            return False
    return True


def _no_flush(refused: OSError | None) -> None:
    if refused:
        _pass(refused, "flush", "does not flush on demand; keep the power on until the end")


def _pass(error: OSError, what: str, words: str) -> None:
    if error.errno in NO_WAY_AROUND:
        raise error
    if error.errno not in ORDINARY:
        _notes[what] = f"this disk {words} ({error.strerror})"


def same_time(one_ns: int, other_ns: int) -> bool:
    """Whether two times of a file may be one.

    Memory cards (FAT) keep two seconds at best, and in local time, so they are an hour off after
    the clocks change.
    """
    apart = abs(one_ns - other_ns)
    return min(apart, abs(apart - HOUR_NS)) <= FAT_STEP_NS
