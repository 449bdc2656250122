"""Processes that find and crop faces, one photo each at a time, as one Extractor does.

Processes, not threads: a photo that crashes its decoder ends one of them and not the program. Where
none can start (no semaphores, no memory, inside a pool of daemons), the calling process does their
work, and one line in the log says so.
"""

import logging
import multiprocessing
import os
import signal
import sys
import threading
import types
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass

from pilah.faces.detect import Detector
from pilah.faces.extract import Extracted, Extractor
from pilah.images import Photo
from pilah.types import Frame

LOG = logging.getLogger("pilah")


class NoWorkersError(Exception):
    """Worker processes cannot start here; the text is why."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A photo that a worker process has, or is going to; without a `pool` it is done."""

    photo: Photo
    pool: ProcessPoolExecutor | None
    extracted: Future[Extracted]


class Workers:
    """`number` worker processes, which start with the first photo.

    A photo that ends its process gives an error; the others are done all the same.
    """

    def __init__(self, extractor: Extractor, number: int) -> None:
        """Only remember what for; `submit` starts them."""
        self.number = number
        self._extractor = extractor
        self._pool: ProcessPoolExecutor | None = None
        self._refused = False

    @property
    def started(self) -> bool:
        """Whether the processes are there, or are known not to start."""
        return self._pool is not None or self._refused

    def submit(self, photo: Photo, *, crops: bool) -> UnderWay:
        """Have the faces of a photo extracted, here and now where no worker can start."""
        done: Future[Extracted] = Future()
        pool = None if self._refused else self._pool
        try:
            if not self._refused:
                pool = self._pool = self._pool or self._start(self.number)
                with _starting():
                    return UnderWay(photo, pool, pool.submit(_extract, _plain(photo), crops=crops))
        except BrokenProcessPool as error:
            done.set_exception(error)
            return UnderWay(photo, pool, done)
        except (NoWorkersError, OSError) as error:  # OSError: not one process more
            self._refused = True
            LOG.warning("pilah: no worker processes (%s); one process does all the work", error)
        done.set_result(self._extractor(photo, crops=crops))
        return UnderWay(photo, None, done)

    def finish(self, task: UnderWay, *, crops: bool) -> Extracted:
        """Wait for a photo that was submitted."""
        try:
            return task.extracted.result()
        except BrokenProcessPool:
            if self._pool is task.pool:
                self.close()
            return self._extract_alone(task.photo, crops=crops)
        except Exception as error:  # the photo cannot travel to a worker
            return self._extractor.failed(f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """End the processes; they also end with the program."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _extract_alone(self, photo: Photo, *, crops: bool) -> Extracted:
        """Find out whether it was this photo that killed a worker, in a process of its own."""
        try:
            with self._start(1) as pool:
                return pool.submit(_extract, _plain(photo), crops=crops).result()
        except BrokenProcessPool:
            return self._extractor.failed("reading it ended the process: damaged, or too large")
        except (NoWorkersError, OSError) as error:
            return self._extractor.failed(f"not read: its worker ended, and none starts ({error})")

    def _start(self, workers: int) -> ProcessPoolExecutor:
        """Start processes.

        Raises:
            NoWorkersError: there can be none.
        """
        if multiprocessing.current_process().daemon:
            raise NoWorkersError("inside a daemon process, such as a pool's")
        extractor = self._extractor
        try:
            pool = ProcessPoolExecutor(
                workers,
                # Not fork: a forked child may hang in the thread pools of its parent.
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_start_worker,
                initargs=(
                    extractor.size_hw,
                    extractor.frame,
                    extractor.min_face,
                    extractor.min_share,
                ),
            )
            with _starting():
                first = pool.submit(os.getpid)
            first.result()
        except (BrokenProcessPool, ImportError, NotImplementedError, OSError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise NoWorkersError(reason) from None
        return pool


def _plain(photo: Photo) -> Photo:
    """A path as text: its own class may be defined where a worker cannot import it."""
    return os.fspath(photo) if isinstance(photo, os.PathLike) else photo


_hiding = threading.Lock()


@contextmanager
def _starting() -> Iterator[None]:
    """While processes start: Ctrl-C is held back, and the main module hidden.

    A spawned process would run the main module again, a user's script with all that it does, unless
    each script guarded itself. Workers need nothing of it.
    """
    with _hiding, _uninterrupted():
        main = sys.modules["__main__"]
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


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
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_extractor: Extractor


def _start_worker(
    size_hw: tuple[int, int], frame: Frame, min_face: float | None, min_share: float
) -> None:
    """Prepare a worker process: it outlives neither Ctrl-C in its parent nor its parent's death."""
    global _extractor
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _extractor = Extractor(size_hw, frame, Detector(), min_face, min_share)


def _extract(photo: Photo, *, crops: bool) -> Extracted:
    return _extractor(photo, crops=crops)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # killed: without this the worker would wait for work for ever
