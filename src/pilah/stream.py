"""Many photos under way at once, answered in order: by worker processes, or pixels by threads.

Only so many are taken ahead of what is asked for, so memory does not grow with their number.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pilah.errors import BundleError
from pilah.photo import PlainPhoto
from pilah.types import Result
from pilah.workers import UnderWay, Workers, why_not

BATCH = 4
"""Photos that travel to a worker at once: a journey costs time in two processes."""

Key = TypeVar("Key")
Task = Callable[[list[PlainPhoto]], list[Result]]
Batch = UnderWay[list[PlainPhoto], list[Result]]


def by_processes(
    photos: Iterator[tuple[Key, PlainPhoto]], workers: Workers, task: Task, *, ahead: int
) -> Iterator[tuple[Key, Result]]:
    """Give (key, Result) for each (key, photo); a photo that ends its process gives an error.

    Args:
        photos: each with a key, which may be anything.
        workers: the processes.
        task: what one of them does with some photos.
        ahead: how many photos a worker are taken before they are needed.

    Raises:
        BundleError: the model's file is not there as it was.
    """
    under_way: deque[tuple[list[Key], Batch]] = deque()
    size = max(1, min(BATCH, ahead // 2))
    try:
        while batch := list(islice(photos, size)):
            submitted = workers.submit(task, [photo for _, photo in batch])
            under_way.append(([key for key, _ in batch], submitted))
            if len(under_way) * size >= ahead * workers.number:
                keys, submitted = under_way.popleft()
                yield from zip(keys, _finished(workers, submitted), strict=True)
        while under_way:
            keys, submitted = under_way.popleft()
            yield from zip(keys, _finished(workers, submitted), strict=True)
    finally:
        for _, waiting in under_way:
            waiting.made.cancel()


def by_threads(
    images: Iterable[tuple[Key, NDArray[np.uint8]]], threads: int, task: Task, *, ahead: int
) -> Iterator[tuple[Key, Result]]:
    """Give (key, Result) for each (key, pixels), as `by_processes`; nothing in pixels ends one."""
    under_way: deque[tuple[Key, Future[list[Result]]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for key, image_rgb in images:
                under_way.append((key, pool.submit(task, [image_rgb])))
                if len(under_way) >= ahead * threads:
                    key, made = under_way.popleft()
                    yield key, made.result()[0]
            for key, made in under_way:
                yield key, made.result()[0]
        finally:
            pool.shutdown(cancel_futures=True)


def _finished(workers: Workers, batch: Batch) -> list[Result]:
    """Wait for some photos; where one ends its process, the others are done all the same."""
    try:
        return workers.finish(batch)
    except BundleError:
        raise
    except Exception:
        return [_by_itself(workers, batch.task, photo) for photo in batch.given]


def _by_itself(workers: Workers, task: Task, photo: PlainPhoto) -> Result:
    """Answer a photo in a process of its own; what goes wrong with it is kept in its Result."""
    try:
        return workers.alone(task, [photo])[0]
    except BundleError:
        raise
    except Exception as error:
        return Result(photo if isinstance(photo, str) else None, error=why_not(error))
