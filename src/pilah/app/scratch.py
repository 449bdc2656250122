"""The folder on disk where one server keeps its visitors' photos; gone when the server is.

A server that is killed cannot remove its folder, so the next one does. It knows such a folder by
its lock: the system releases a lock when its process ends, however it ends.
"""

import atexit
import os
import shutil
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from pilah.files import open_locked

PREFIX = "pilah-app-"
LOCK = ".server"


@cache
def scratch_folder() -> Path:
    """This process's folder, made when it is first asked for; only its user may look inside."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with suppress(OSError):  # a disk without locks: no other server will touch the folder then
        open_locked(folder / "new", create=True)  # and never closed
        # Only now, so that no other server ever sees the file without its lock.
        os.rename(folder / "new", folder / LOCK)
    return folder


def remove_leftovers() -> None:
    """Remove the folders of this user's servers that ended without doing it themselves."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # in use, another user's, or just removed by its server
            os.close(open_locked(folder / LOCK, create=False))
            shutil.rmtree(folder, ignore_errors=True)
