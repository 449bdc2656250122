"""What libraries keep on disk for later: nothing, unless the user has named a folder for it."""

import atexit
import os
import shutil
import tempfile


def keep_nothing(variable: str) -> None:
    """Point a library's own folder at a temporary one, which goes when this process ends.

    Args:
        variable: the environment variable that names the folder; if it is set already, it stays.
            Child processes inherit it. Set it before the library is imported.
    """
    if variable not in os.environ:
        folder = os.environ[variable] = tempfile.mkdtemp(prefix="pilah-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
