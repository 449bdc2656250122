"""While worker processes start: signals are held back, and the main module is hidden."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM)
"""Signals that a whole group of processes may get, of which only the parent is meant."""

_hiding = threading.Lock()


def _after_fork() -> None:
    global _hiding
    _hiding = threading.Lock()  # another thread of the parent may have held it


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def starting() -> Iterator[None]:
    """While processes start: Ctrl-C is held back, and the main module hidden.

    A spawned process would run the main module again, a user's script with all that it does, unless
    each script guarded itself. Workers need nothing of it.
    """
    with _hiding, _uninterrupted():
        main = vars(sys.modules["__main__"])
        # What a spawned process finds it by; its functions stay where other threads look for them
        names = ("__spec__", "__file__")
        found_by: dict[str, Any] = {name: main[name] for name in names if name in main}
        main.pop("__file__", None)
        main["__spec__"] = None
        try:
            yield
        finally:
            del main["__spec__"]
            main.update(found_by)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back while worker processes are made.

    One that is still importing when Ctrl-C comes would print its traceback otherwise, and one whose
    parent stops half-way through making it too. The mask is for the workers, which inherit it; once
    started, they ignore Ctrl-C (`_start_worker`). The handler is for this process: threads of the
    libraries do not have the mask, and what they receive reaches Python too.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    if threading.current_thread() is not threading.main_thread():  # has no say over handlers
        with _masked():
            yield
        return
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        with _masked():
            yield
    finally:
        signal.signal(signal.SIGINT, before)
        if held:
            signal.raise_signal(signal.SIGINT)


@contextmanager
def _masked() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
