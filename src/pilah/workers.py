"""Processes that do one task each at a time, such as finding and cropping the faces of a photo.

Processes, not threads: a photo that crashes its decoder ends one of them and not the program. Where
none can start (no semaphores, no memory, inside a pool of daemons), the calling process does their
work, and one line in the log says so.
"""

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.util import Finalize
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from pilah.faces.detect import shared_detector
from pilah.faces.extract import Extracted, unreadable
from pilah.starting import ENDING, starting

Given = TypeVar("Given")
Made = TypeVar("Made")

LOG = logging.getLogger("pilah")


STDERR = 2

BEFORE_QUEUES = 100
"""When a pool ends, among what multiprocessing ends: its own queues have 10."""

_all: "WeakSet[Workers]" = WeakSet()
_of_parents: list[Any] = []


class NoWorkersError(Exception):
    """Worker processes cannot start here; the text is why."""


class WorkerError(Exception):
    """A task was not done; the text is why."""


@dataclass(frozen=True, slots=True)
class UnderWay(Generic[Given, Made]):
    """A task that a worker process has, or is going to; without a `pool` it is done.

    `given` is what it is done with: a photo, or some.
    """

    task: Callable[[Given], Made]
    given: Given
    pool: ProcessPoolExecutor | None
    made: Future[Made]


class Workers:
    """`number` worker processes, which start with the first task; several threads may share them.

    A task that ends its process gives an error; the others are done all the same. So does one that
    takes a process more than `cpu_seconds`, where a system can count them.
    """

    def __init__(self, number: int, *, cpu_seconds: float | None = None) -> None:
        """Only remember; `submit` starts them."""
        self.number = number
        self._cpu_seconds = cpu_seconds
        self._pool: ProcessPoolExecutor | None = None
        self._end: Finalize | None = None
        self._refused = False
        self._lock = threading.Lock()
        _all.add(self)

    @property
    def started(self) -> bool:
        """Whether the processes are there, or are known not to start."""
        return self._pool is not None or self._refused

    def submit(self, task: Callable[[Given], Made], given: Given) -> UnderWay[Given, Made]:
        """Have a task done, here and now where no worker can start.

        Args:
            task: what a worker process can unpickle: a function of a module, or a `partial` of one.
            given: what the task takes; a worker process must be able to unpickle it too.
        """
        done: Future[Made] = Future()
        pool = None if self._refused else self._pool
        try:
            if not self._refused:
                with self._lock:
                    pool = self._pool or self._keep(self._start(self.number))
                with starting():
                    return UnderWay(task, given, pool, pool.submit(_do, task, given))
        except BrokenProcessPool as error:
            done.set_exception(error)
            return UnderWay(task, given, pool, done)
        except (NoWorkersError, OSError) as error:  # OSError: not one process more
            self._refused = True
            LOG.warning("pilah: no worker processes (%s); one process does all the work", error)
        try:
            done.set_result(task(given))
        except Exception as error:
            done.set_exception(error)
        return UnderWay(task, given, None, done)

    def finish(self, under_way: UnderWay[Given, Made]) -> Made:
        """Wait for a task that was submitted.

        Raises:
            WorkerError: its process ended, and so did one that it had for itself.
            Exception: whatever the task raised, or that what it takes cannot travel to a worker.
        """
        try:
            return under_way.made.result()
        except BrokenProcessPool:
            with self._lock:
                if self._pool is under_way.pool:
                    self._close(wait=False)  # a broken pool may never end, and all wait here
            return self.alone(under_way.task, under_way.given)

    def extracted(self, under_way: UnderWay[Given, Extracted]) -> Extracted:
        """Wait for a photo's faces; what goes wrong is kept in what is returned."""
        try:
            return self.finish(under_way)
        except Exception as error:
            return unreadable(why_not(error))

    def close(self) -> None:
        """End the processes; they also end with the program."""
        with self._lock:
            self._close()

    def _close(self, *, wait: bool = True) -> None:
        if self._pool is not None and self._end is not None:
            self._end.cancel()
            self._pool.shutdown(wait, cancel_futures=True)
            self._pool = None

    def _keep(self, pool: ProcessPoolExecutor) -> ProcessPoolExecutor:
        """Keep a pool until it is closed, or until this process ends.

        A process of multiprocessing waits for its children before anything else ends them.
        """
        self._pool = pool
        self._end = Finalize(self, _shut_down, (pool,), exitpriority=BEFORE_QUEUES)
        return pool

    def forked(self) -> None:
        """Start anew in a process that was forked: it has none of its parent's threads."""
        _of_parents.append((self._pool, self._end))  # kept, so that nothing here ends them
        self._pool, self._end, self._lock = None, None, threading.Lock()

    def alone(self, task: Callable[[Given], Made], given: Given) -> Made:
        """Do a task in a process of its own: was it this one that ended another?

        Raises:
            WorkerError: its process ended too, or none starts.
            Exception: see `finish`.
        """
        try:
            with self._start(1) as pool:
                return pool.submit(_do, task, given).result()
        except BrokenProcessPool:
            reason = "reading it ended the process: damaged, or too large"
        except (NoWorkersError, OSError) as error:
            reason = f"not read: its worker ended, and none starts ({error})"
        raise WorkerError(reason)

    def _start(self, workers: int) -> ProcessPoolExecutor:
        """Start processes.

        Raises:
            NoWorkersError: there can be none.
        """
        if multiprocessing.current_process().daemon:
            raise NoWorkersError("inside a daemon process, such as a pool's")
        try:
            pool = ProcessPoolExecutor(
                workers,
                # Not fork: a forked child may hang in the thread pools of its parent.
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_start_worker,
                initargs=(self._cpu_seconds,),
            )
            with starting():  # all at once: the pool itself starts one when the others are busy
                ready = [pool.submit(os.getpid) for _ in range(workers)]
            ready[0].result()
        except (BrokenProcessPool, ImportError, NotImplementedError, OSError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise NoWorkersError(reason) from None
        return pool


def _shut_down(pool: ProcessPoolExecutor) -> None:
    with suppress(RuntimeError):  # forgotten by a thread of the pool itself, which cannot wait
        pool.shutdown(cancel_futures=True)


def _after_fork() -> None:
    for workers in list(_all):
        workers.forked()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)


def why_not(error: Exception) -> str:
    """Why a photo was not done, from what `Workers.finish` raises about it."""
    # Any other error than WorkerError is that the photo cannot travel to a worker
    return str(error) if isinstance(error, WorkerError) else f"{type(error).__name__}: {error}"


_cpu_seconds: float | None = None


def _start_worker(cpu_seconds: float | None) -> None:
    """Prepare a worker process: it ends when its parent has ended, and at no signal before."""
    for ending in ENDING:  # the parent decides when to stop
        signal.signal(ending, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    global _cpu_seconds
    _cpu_seconds = cpu_seconds if hasattr(signal, "setitimer") else None  # Windows
    shared_detector()
    # Decoders in C print there what they think of a photo, and quote it; its error says enough.
    os.dup2(os.open(os.devnull, os.O_WRONLY), STDERR)


def _do(task: Callable[[Given], Made], given: Given) -> Made:
    """Do one task; what takes too much of the processor ends this process, whatever it is in."""
    if _cpu_seconds is None:
        return task(given)
    signal.setitimer(signal.ITIMER_PROF, _cpu_seconds)
    try:
        return task(given)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # killed: without this the worker would wait for work for ever
