"""Photos of all requests at once: faces in worker processes, batches for the classifier.

    submit ─▶ inbox ─▶ worker processes ─▶ found ─▶ small batches, across requests ─▶ futures
                       (look.py)                    (one thread a core)

One inference uses one thread: a batch of one costs the least processor time a face, and batches
only form from what is ready within `BATCH_SECONDS`.
"""

import math
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Semaphore, Thread

from pilah.api.limits import MAX_WAITING, PHOTO_CPU_SECONDS
from pilah.api.look import look
from pilah.api.metrics import Metrics
from pilah.api.problems import Problem, busy
from pilah.api.served import TINY, Answer, Ask, Served
from pilah.errors import PilahError
from pilah.faces.extract import Extracted, unreadable
from pilah.results import results_of
from pilah.workers import UnderWay, WorkerError, Workers

BATCH = 8
"""Photos that are classified together at most."""

BATCH_SECONDS = 0.003
"""That a photo waits for others, while there are others under way."""

AHEAD = 2
"""Photos a worker process that it has or is going to have; the others can still be taken back."""


@dataclass(slots=True, eq=False)
class _Job:
    photo: bytes
    ask: Ask
    future: "Future[Answer]"
    submitted: float
    started: float = 0.0
    under_way: UnderWay[bytes, Extracted] | None = None


class Engine:
    """Answers photos of many requests; `submit` may be called from any thread, and waits never."""

    def __init__(self, models: Sequence[Served], cores: int, metrics: Metrics) -> None:
        """Only prepare; `start` starts processes and threads.

        Raises:
            PilahError: two models have one name.
        """
        self.models: dict[str, Served] = {}
        for served in models:
            if self.models.setdefault(served.info.name, served) is not served:
                raise PilahError(f"two models are called {served.info.name}; give one --model less")
        self.default = models[0]
        self._cores = cores
        self._metrics = metrics
        self._workers = Workers(cores, cpu_seconds=PHOTO_CPU_SECONDS)
        self._inbox: SimpleQueue[_Job | None] = SimpleQueue()
        self._found: SimpleQueue[_Job | None] = SimpleQueue()
        self._room = Semaphore(AHEAD * cores)
        self._collecting = Lock()
        self._counting = Lock()
        self._waiting = 0
        self._usual = 0.1  # seconds of work a photo, over the last ones
        self._threads = [
            Thread(target=self._feed, name="feed"),
            *(Thread(target=self._classify, name=f"classify-{n}") for n in range(cores)),
        ]

    @property
    def waiting(self) -> int:
        """Photos that are not answered yet."""
        return self._waiting

    def start(self) -> None:
        """Start, and answer a tiny photo once in each worker process and with each model."""
        for thread in self._threads:
            thread.start()
        for future in [future for _ in range(self._cores) for future in self.probe()]:
            future.result()

    def probe(self) -> "list[Future[Answer]]":
        """Have a tiny photo answered with each model: searched for faces, and as a ready crop."""
        return [
            self.submit(TINY, Ask(served, 0.5, crops=crops, probe=True))
            for served in self.models.values()
            for crops in (False, True)
        ]

    def close(self) -> None:
        """Answer what was submitted, then end the threads and processes."""
        self._inbox.put(None)
        for thread in self._threads:
            if thread.ident:
                thread.join()
        self._workers.close()

    def check_room(self, photos: int = 1) -> None:
        """Refuse photos where too many wait; a large request is taken where none wait.

        Raises:
            Problem: there is no room, and when there will be.
        """
        if self._waiting and self._waiting + photos > MAX_WAITING:
            seconds = math.ceil(self._waiting * self._usual / self._cores)
            raise busy("queue", MAX_WAITING, "photos", min(max(seconds, 1), 60))

    def submit(self, photo: bytes, ask: Ask) -> "Future[Answer]":
        """Have a photo answered.

        The future raises a Problem where the photo is refused. Cancelled before a worker process
        has the photo, it costs nothing.
        """
        job = _Job(photo, ask, Future(), time.perf_counter())
        self._count(1)
        job.future.add_done_callback(partial(self._forget, job))
        self._inbox.put(job)
        return job.future

    def _forget(self, job: _Job, _: "Future[Answer]") -> None:
        # A future keeps its callbacks, and so this job, until the next full garbage collection;
        # one that was cancelled may also stand in the inbox for a while.
        job.photo, job.under_way = b"", None
        self._count(-1)

    def _count(self, change: int) -> None:
        with self._counting:
            self._waiting += change
        self._metrics.waiting.set(self._waiting)

    def _feed(self) -> None:
        """Give the worker processes what they can take soon."""
        while job := self._inbox.get():
            self._room.acquire()
            if not job.future.set_running_or_notify_cancel():
                self._room.release()
                continue
            job.started = time.perf_counter()
            task = partial(look, extractor=job.ask.model.extractor, crops=job.ask.crops)
            job.under_way = self._workers.submit(task, job.photo)
            job.under_way.made.add_done_callback(partial(self._pass_on, job))
        for _ in range(AHEAD * self._cores):  # until every photo has its faces
            self._room.acquire()
        self._found.put(None)

    def _pass_on(self, job: _Job, _: "Future[Extracted]") -> None:
        self._found.put(job)
        self._room.release()

    def _classify(self) -> None:
        while batch := self._next_batch():
            again = [job for job in batch if _failed(job)]
            self._finish([job for job in batch if job not in again])
            for job in again:  # looked at again, one by one
                self._finish([job])

    def _next_batch(self) -> list[_Job]:
        """Photos whose faces are found: what is there, and what comes in a moment."""
        with self._collecting:
            job = self._found.get()
            if job is None:
                self._found.put(None)  # for the other threads
                return []
            batch = [job]
            end = time.perf_counter() + BATCH_SECONDS
            while len(batch) < BATCH:
                left = end - time.perf_counter()
                try:
                    if self._waiting > len(batch) and left > 0:
                        job = self._found.get(timeout=left)
                    else:
                        job = self._found.get_nowait()
                except Empty:
                    break
                if job is None:
                    self._found.put(None)
                    break
                batch.append(job)
            return batch

    def _extracted(self, job: _Job) -> Extracted | None:
        """The photo's faces; None where it is refused."""
        assert job.under_way is not None
        try:
            extracted = self._workers.finish(job.under_way)
        except Problem as problem:
            job.future.set_exception(problem)
            return None
        except WorkerError as error:
            return unreadable(str(error))
        except Exception as error:
            return unreadable(type(error).__name__)
        limit = job.ask.max_faces
        return extracted if limit is None else extracted.highest(limit)

    def _finish(self, jobs: list[_Job]) -> None:
        by_model: dict[Served, list[tuple[_Job, Extracted]]] = {}
        for job in jobs:
            extracted = self._extracted(job)
            if extracted is not None:
                by_model.setdefault(job.ask.model, []).append((job, extracted))
        for served, photos in by_model.items():
            started = time.perf_counter()
            taken = [(None, extracted, job.ask.min_confidence) for job, extracted in photos]
            try:
                results = results_of(taken, served.classifier)
            except Exception as error:
                for job, _ in photos:
                    job.future.set_exception(error)
                continue
            seconds = time.perf_counter() - started
            self._metrics.batch.observe(len(photos))
            for (job, extracted), result in zip(photos, results, strict=True):
                said = Answer(result, job.started - job.submitted, extracted.seconds, seconds)
                if not job.ask.probe:
                    self._note(said)
                job.future.set_result(said)

    def _note(self, said: Answer) -> None:
        found = said.found
        work = found.decode + found.detect + found.crop + said.classify
        self._usual += (work - self._usual) / 50
        self._metrics.photo(said.result, said.waited, found, said.classify)


def _failed(job: _Job) -> bool:
    assert job.under_way is not None
    return job.under_way.made.exception() is not None
