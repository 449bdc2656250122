"""Many photos in, one Result each, in the same order.

    photos ─▶ worker processes: decode, detect, frame ─▶ batches of faces ─▶ classifier ─▶ Results
              (cutting.py, one photo a task)             (across photos)     (all cores)

Processes, not threads: each has its own detector and its own Python lock. Only `AHEAD` photos
a worker are under way at any time, so memory does not grow with the number of photos.
"""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

import numpy as np

from pilah.bundle import BundleInfo, open_bundle
from pilah.classifier import Classifier, label_of
from pilah.cutting import Cut, Cutter, cut_in_worker, start_worker
from pilah.detector import choose
from pilah.errors import PilahError
from pilah.images import Photo
from pilah.models import DEFAULT, model_path
from pilah.types import Face, Result

BATCH = 32
"""Faces that are classified at once; also the most photos that wait for a batch to fill."""

AHEAD = 16
"""Photos a worker that are decoded ahead of the classifier."""

FEW = 16
"""Fewer photos than this are done before worker processes would have started."""


class Pilah:
    """Finds faces and says which label annotators would likely give them; `pilah.load` makes it.

    One object may be used from several threads.
    """

    def __init__(
        self,
        model: str | Path = DEFAULT,
        *,
        min_confidence: float | None = None,
        max_error: float | None = None,
        min_face: float = 20,
        workers: int | None = None,
    ) -> None:
        """See `load`."""
        bundle = open_bundle(model_path(model))
        self.info: BundleInfo = bundle.info
        self.min_confidence = _threshold(self.info, min_confidence, max_error)
        self.workers = _cores() if workers is None else max(1, workers)
        detector = choose(list(self.info.frames))
        self.detector = detector.name
        frame = self.info.frames[detector.name]
        self._cutter = Cutter(self.info.size_hw, frame, detector, min_face)
        self._classifier = Classifier(bundle)
        self._pool: ProcessPoolExecutor | None = None

    def predict(self, photo: Photo, *, crops: bool = False) -> Result:
        """Say what is known about one photo; an unreadable one gives a Result with its error.

        Args:
            photo: a path, an encoded file's bytes, a Pillow image, or RGB pixels uint8 (h, w, 3).
            crops: the photo is a face crop already, as the model was trained on: nothing is
                detected, its centre is resized to the model's input.
        """
        return next(self._results([(_path_of(photo), self._cutter(photo, crops=crops))]))

    def predict_many(self, photos: Iterable[Photo], *, crops: bool = False) -> Iterator[Result]:
        """Give one Result a photo, in the order of `photos`, which are taken as they are needed.

        With more than a few photos the work is shared by `workers` processes. A script that calls
        this must therefore keep its top-level code under `if __name__ == "__main__":`, or load
        with `workers=1`.

        Raises:
            PilahError: the worker processes cannot start.
        """
        waiting: list[tuple[str | None, Cut]] = []
        faces = 0
        for path, cut in self._cuts(iter(photos), crops=crops):
            waiting.append((path, cut))
            faces += len(cut.crops)
            if faces >= BATCH or len(waiting) >= BATCH:
                yield from self._results(waiting)
                waiting, faces = [], 0
        yield from self._results(waiting)

    def close(self) -> None:
        """End the worker processes; they also end with the program."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _results(self, cuts: list[tuple[str | None, Cut]]) -> Iterator[Result]:
        """Classify the faces of several photos together."""
        crops = [cut.crops for _, cut in cuts if len(cut.crops)]
        p_male = iter(self._classifier.p_male(np.concatenate(crops)).tolist() if crops else ())
        for path, cut in cuts:
            faces = tuple(
                Face(found.box, label_of(p, self.min_confidence), p, found.score)
                for found, p in zip(cut.detections, islice(p_male, len(cut.crops)), strict=True)
            )
            yield Result(path, faces, cut.error, cut.size_hw)

    def _cuts(self, photos: Iterator[Photo], *, crops: bool) -> Iterator[tuple[str | None, Cut]]:
        """Cut photos in order, a bounded number of them ahead of what is asked for."""
        first = list(islice(photos, FEW)) if self.workers > 1 and self._pool is None else []
        photos_again = chain(first, photos)
        if self.workers == 1 or 0 < len(first) < FEW:
            for photo in photos_again:
                yield _path_of(photo), self._cutter(photo, crops=crops)
            return
        under_way: deque[tuple[Photo, ProcessPoolExecutor, Future[Cut]]] = deque()
        try:
            for photo in photos_again:
                under_way.append((photo, *self._submit(photo, crops=crops)))
                if len(under_way) >= AHEAD * self.workers:
                    yield self._finish(*under_way.popleft(), crops=crops)
            while under_way:
                yield self._finish(*under_way.popleft(), crops=crops)
        finally:
            for *_, future in under_way:
                future.cancel()

    def _submit(self, photo: Photo, *, crops: bool) -> tuple[ProcessPoolExecutor, Future[Cut]]:
        pool = self._pool = self._pool or self._start(self.workers)
        try:
            with _uninterrupted():
                return pool, pool.submit(cut_in_worker, photo, crops=crops)
        except BrokenProcessPool as error:
            broken: Future[Cut] = Future()
            broken.set_exception(error)
            return pool, broken

    def _finish(
        self, photo: Photo, pool: ProcessPoolExecutor, future: Future[Cut], *, crops: bool
    ) -> tuple[str | None, Cut]:
        try:
            cut = future.result()
        except BrokenProcessPool:
            if self._pool is pool:
                self.close()
            cut = self._cut_alone(photo, crops=crops)
        except Exception as error:  # the photo cannot travel to a worker
            cut = self._cutter.failed(f"{type(error).__name__}: {error}")
        return _path_of(photo), cut

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
    """Hold Ctrl-C back while worker processes are made, which inherit that.

    One that is still importing when Ctrl-C comes would print its traceback otherwise; once it has
    started, it ignores Ctrl-C (`start_worker`).
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def load(
    model: str | Path | None = None,
    *,
    min_confidence: float | None = None,
    max_error: float | None = None,
    min_face: float = 20,
    workers: int | None = None,
) -> Pilah:
    """Load a model, ready to predict.

    Args:
        model: a model of the package, or the path of a `model.onnx`; None is the package's default.
        min_confidence: below this probability (0.5 to 1) of the likelier label, a face is unsure;
            None is what the model recommends.
        max_error: instead of `min_confidence`: be unsure as often as it took on the model's
            validation faces to err no more than this share (0 to 0.5) of the labels given.
        min_face: smallest height of a face box that counts: in pixels of the photo, or, below 1, as
            a share of its shorter side.
        workers: how many processes decode and detect in `predict_many`; None is one a core, 1 does
            it all in this process.

    Raises:
        BundleError: the model cannot be used, or never errs as little as `max_error`.
        PilahError: `min_confidence` or `max_error` is out of its range, or both are given.
    """
    return Pilah(
        model or DEFAULT,
        min_confidence=min_confidence,
        max_error=max_error,
        min_face=min_face,
        workers=workers,
    )


def _threshold(info: BundleInfo, min_confidence: float | None, max_error: float | None) -> float:
    if max_error is None:
        chosen = info.min_confidence if min_confidence is None else min_confidence
        if not 0.5 <= chosen <= 1:
            raise PilahError(
                f"a minimum confidence of {min_confidence} makes no sense; give 0.5 (never unsure) "
                "to 1"
            )
        return chosen
    if min_confidence is not None:
        raise PilahError(
            "a minimum confidence and a maximum error exclude each other; give one of them"
        )
    if not 0 <= max_error <= 0.5:
        raise PilahError(
            f"a maximum error of {max_error} makes no sense; give a share from 0 to 0.5, such as "
            "0.01"
        )
    return info.point_for(max_error).min_confidence


def _path_of(photo: Photo) -> str | None:
    return os.fspath(photo) if isinstance(photo, str | os.PathLike) else None


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
