"""Processes that find and crop faces, one photo each at a time, as one Extractor does.

Processes, not threads: a photo that crashes its decoder ends one of them and not the program.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass

from pilah.errors import PilahError
from pilah.faces.detect import Detector
from pilah.faces.extract import Extracted, Extractor
from pilah.images import Photo
from pilah.types import Frame


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A photo that a worker process has, or is going to."""

    photo: Photo
    pool: ProcessPoolExecutor
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

    @property
    def started(self) -> bool:
        """Whether the processes are there."""
        return self._pool is not None

    def submit(self, photo: Photo, *, crops: bool) -> UnderWay:
        """Have the faces of a photo extracted.

        Raises:
            PilahError: the worker processes cannot start.
        """
        pool = self._pool = self._pool or self._start(self.number)
        try:
            with _uninterrupted():
                return UnderWay(photo, pool, pool.submit(_extract, photo, crops=crops))
        except BrokenProcessPool as error:
            broken: Future[Extracted] = Future()
            broken.set_exception(error)
            return UnderWay(photo, pool, broken)

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
        with self._start(1) as pool:
            try:
                return pool.submit(_extract, photo, crops=crops).result()
            except BrokenProcessPool:
                return self._extractor.failed("reading it ended the process: damaged, or too large")

    def _start(self, workers: int) -> ProcessPoolExecutor:
        extractor = self._extractor
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
        try:
            with _uninterrupted():
                first = pool.submit(os.getpid)
            first.result()
        except BrokenProcessPool:
            raise PilahError(
                "worker processes cannot start; put the code of your script under "
                "`if __name__ == '__main__':`, or use pilah.load(workers=1)"
            ) from None
        return pool


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back while worker processes are made.

    One that is still importing when Ctrl-C comes would print its traceback otherwise, and one whose
    parent stops half-way through making it too. The mask is for the workers, which inherit it; once
    started, they ignore Ctrl-C (`start_worker`). The handler is for this process: threads of the
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
