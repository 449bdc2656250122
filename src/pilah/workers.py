"""Processes that cut photos, several at a time, for one Cutter.

Processes, not threads: each has its own detector and its own Python lock.
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

from pilah.cutting import Cut, Cutter, cut_in_worker, start_worker
from pilah.errors import PilahError
from pilah.images import Photo


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A photo that a worker process cuts, or is going to."""

    photo: Photo
    pool: ProcessPoolExecutor
    cut: Future[Cut]


class Workers:
    """`number` worker processes, which start with the first photo.

    A photo that ends its process gives a Cut with an error; the others are cut all the same.
    """

    def __init__(self, cutter: Cutter, number: int) -> None:
        """Only remember what for; `submit` starts them."""
        self.number = number
        self._cutter = cutter
        self._pool: ProcessPoolExecutor | None = None

    @property
    def started(self) -> bool:
        """Whether the processes are there."""
        return self._pool is not None

    def submit(self, photo: Photo, *, crops: bool) -> UnderWay:
        """Have a photo cut.

        Raises:
            PilahError: the worker processes cannot start.
        """
        pool = self._pool = self._pool or self._start(self.number)
        try:
            with _uninterrupted():
                return UnderWay(photo, pool, pool.submit(cut_in_worker, photo, crops=crops))
        except BrokenProcessPool as error:
            broken: Future[Cut] = Future()
            broken.set_exception(error)
            return UnderWay(photo, pool, broken)

    def finish(self, task: UnderWay, *, crops: bool) -> Cut:
        """Wait for a photo that was submitted."""
        try:
            return task.cut.result()
        except BrokenProcessPool:
            if self._pool is task.pool:
                self.close()
            return self._cut_alone(task.photo, crops=crops)
        except Exception as error:  # the photo cannot travel to a worker
            return self._cutter.failed(f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """End the processes; they also end with the program."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _cut_alone(self, photo: Photo, *, crops: bool) -> Cut:
        """Find out whether it was this photo that killed a worker, in a process of its own."""
        with self._start(1) as pool:
            try:
                return pool.submit(cut_in_worker, photo, crops=crops).result()
            except BrokenProcessPool:
                return self._cutter.failed("reading it ended the process: damaged, or too large")

    def _start(self, workers: int) -> ProcessPoolExecutor:
        cutter = self._cutter
        pool = ProcessPoolExecutor(
            workers,
            # Not fork: a forked child may hang in the thread pools of its parent.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=start_worker,
            initargs=(cutter.size_hw, cutter.frame, cutter.detector.name, cutter.min_face),
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
