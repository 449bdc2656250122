"""A disk without hard links, locks and flushing of folders, for a process and its children.

Python imports this module by itself where its folder is on PYTHONPATH; PILAH_REFUSAL is the error
number that the disk answers with.
"""

import errno
import fcntl
import os
import stat
from typing import Any

_fsync = os.fsync


def refuse(*_: Any, **__: Any) -> None:
    number = int(os.environ.get("PILAH_REFUSAL", errno.EPERM))
    raise OSError(number, os.strerror(number))


def flush(descriptor: int) -> None:
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        refuse()
    _fsync(descriptor)


REFUSING = {(os, "link"): refuse, (fcntl, "flock"): refuse, (os, "fsync"): flush}

if "PILAH_REFUSAL" in os.environ:
    for (module, name), call in REFUSING.items():
        setattr(module, name, call)
