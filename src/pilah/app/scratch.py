"""The folder on disk where one server keeps its visitors' photos; gone when the server is.

A server that is killed cannot remove its folder, so the next one does. It knows such a folder by
its lock: the system releases a lock when its process ends, however it ends.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

PREFIX = "pilah-app-"
LOCK = ".server"


@cache
def scratch_folder() -> Path:
    """This process's folder, made when it is first asked for; only its user may look inside."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    descriptor = os.open(folder / "new", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.write(descriptor, str(os.getpid()).encode())
    with suppress(OSError):  # a disk without locks
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    # Only now, so that no other server ever sees the file without its lock.
    os.rename(folder / "new", folder / LOCK)
    return folder


def remove_leftovers() -> None:
    """Remove the folders of this user's servers that ended without doing it themselves."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # another user's, or just removed by its server
            if _has_ended(folder / LOCK):
                shutil.rmtree(folder, ignore_errors=True)


def _has_ended(lock: Path) -> bool:
    descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
    except OSError:  # a disk without locks: is there a process of that number?
        return not _runs(int(os.read(descriptor, 20)))
    finally:
        os.close(descriptor)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
