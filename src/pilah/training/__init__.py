"""manifest.csv + recipe -> a run folder and a model file. The only folder that may import Keras."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pilah.caches import keep_nothing

# TensorFlow logs its start and its processor to the terminal; an error still raises an exception.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
logging.getLogger("tensorflow").setLevel(logging.ERROR)
# Keras would write its defaults into a new ~/.keras. One that exists may hold ImageNet weights.
if not (Path.home() / ".keras").exists():
    keep_nothing("KERAS_HOME")


@contextmanager
def _without_stderr() -> Iterator[None]:
    """Drop what a library's own code writes to standard error."""
    try:
        kept = os.dup(2)
    except OSError:  # closed by the caller, as in `pilah train … 2>&-`
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


# On some processors TensorFlow writes that it uses oneDNN, before it reads its log level.
with _without_stderr():
    import keras  # noqa: F401
