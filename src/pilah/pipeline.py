"""Many photos in, one Result each, in the same order.

    photos ─▶ worker processes: decode, find, crop ─▶ batches of faces ─▶ classifier ─▶ Results
              (workers.py, faces/)                    (across photos)     (all cores)

Only `AHEAD` photos a worker are under way at any time, so memory does not grow with the number of
photos.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from PIL import Image

from pilah.cores import usable_cores
from pilah.errors import PhotoTypeError, PilahError
from pilah.faces.detect import shared_detector
from pilah.faces.extract import Extracted, Extractor
from pilah.images import Photo, as_photo
from pilah.models import DEFAULT_MODEL, model_path
from pilah.models.bundle import BundleInfo, open_bundle
from pilah.models.classifier import Classifier
from pilah.results import results_of
from pilah.types import Result
from pilah.workers import UnderWay, Workers

if TYPE_CHECKING:
    from pilah.video.follow import Track

BATCH = 8
"""Faces that are classified at once; also the most photos that wait for a batch to fill.

More at once no longer fit into a core's cache: 32 take a fifth more time for each face.
"""

AHEAD = 16
"""Photos a worker that are decoded ahead of the classifier."""

FEW = 16
"""Fewer photos than this are done before worker processes would have started."""


SINGLE = (str, bytes, bytearray, memoryview, os.PathLike, Image.Image, np.ndarray)
SEVERAL = "pass a list of photos, or call predict for one"

Key = TypeVar("Key")


class Pilah:
    """Finds faces and says which label annotators would likely give them; `pilah.load` makes it.

    One object may be used from several threads.
    """

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        *,
        min_confidence: float | None = None,
        max_error: float | None = None,
        min_face: float | None = None,
        min_share: float = 0,
        workers: int | None = None,
        device: str = "cpu",
    ) -> None:
        """See `load`."""
        self.workers = usable_cores() if workers is None else max(1, workers)
        # Classifying is about half of the work, so half of the cores; the workers have the others.
        bundle = open_bundle(model_path(model), threads=max(1, self.workers // 2), device=device)
        self.info: BundleInfo = bundle.info
        self.min_confidence = confidence_asked(self.info, min_confidence, max_error)
        self._extractor = Extractor(
            self.info.size_hw, self.info.frame, shared_detector(), min_face, min_share
        )
        self._classifier = Classifier(bundle)
        self._workers = Workers(self.workers)

    def predict(self, photo: Photo, *, crops: bool = False) -> Result:
        """Say what is known about one photo; an unreadable one gives a Result with its error.

        Args:
            photo: see `images.Photo`: a path, an encoded file, a Pillow image, or uint8 pixels.
            crops: the photo is a face crop already, as the model was trained on: nothing is
                detected, its centre is resized to the model's input.
        """
        extracted = self._extractor(as_photo(photo), crops=crops)
        return next(self._classified([(None, _path_of(photo), extracted)]))[1]

    def predict_many(self, photos: Iterable[Photo], *, crops: bool = False) -> Iterator[Result]:
        """Give one Result per photo, in the order of `photos`, which are taken as they are needed.

        With more than a few photos the work is shared by `workers` processes, where they can start.

        Raises:
            PhotoTypeError: `photos` is itself one photo, or holds something that is none.
        """
        if isinstance(photos, SINGLE):
            raise PhotoTypeError(f"one {type(photos).__name__} for several photos", SEVERAL)
        keyed = ((None, photo) for photo in photos)
        return (result for _, result in self.predict_stream(keyed, crops=crops))

    def predict_stream(
        self, photos: Iterable[tuple[Key, Photo]], *, crops: bool = False, ahead: int = AHEAD
    ) -> Iterator[tuple[Key, Result]]:
        """Give (key, Result) for each (key, photo), so that nobody needs to count.

        A key may be anything; it comes back as it was given. `ahead` is how many photos a worker
        are taken before they are needed: fewer where they are pixels, which take memory. For the
        rest see `predict_many`.

        Raises:
            PhotoTypeError: something among `photos` is not a photo.
        """
        waiting: list[tuple[Key, str | None, Extracted]] = []
        faces = 0
        for key, photo, extracted in self._extracted(_checked(photos), crops=crops, ahead=ahead):
            waiting.append((key, _path_of(photo), extracted))
            faces += len(extracted.crops)
            if faces >= BATCH or len(waiting) >= BATCH:
                yield from self._classified(waiting)
                waiting, faces = [], 0
        yield from self._classified(waiting)

    def follow(
        self, video: str | os.PathLike[str], *, every: float | Fraction = 0.2
    ) -> "Iterator[Track]":
        """Follow the faces of a video; give a `Track` for each as soon as it has ended.

        A track is not a person: who leaves and returns is another track. What cannot be read of a
        damaged video is left out, and a line in the log says so.

        Args:
            video: a path.
            every: seconds between two looks at it.

        Raises:
            MissingExtra: the extra `video` is not installed.
            VideoError: nothing can be read of it, or `every` is not above 0.
        """
        from pilah.video.follow import Following, follow

        how = Following.of(self.info, self.min_confidence, every)
        return follow(Path(video), self.predict_stream, how)

    def close(self) -> None:
        """End the worker processes; they also end with the program."""
        self._workers.close()

    def _classified(
        self, photos: list[tuple[Key, str | None, Extracted]]
    ) -> Iterator[tuple[Key, Result]]:
        """Classify the faces of several photos together."""
        keys = [key for key, _, _ in photos]
        taken = [(path, extracted, self.min_confidence) for _, path, extracted in photos]
        return zip(keys, results_of(taken, self._classifier), strict=True)

    def _extracted(
        self, photos: Iterator[tuple[Key, Photo]], *, crops: bool, ahead: int
    ) -> Iterator[tuple[Key, Photo, Extracted]]:
        """Find and crop faces in order, a bounded number of photos ahead of what is asked for."""
        first = [] if self.workers == 1 or self._workers.started else list(islice(photos, FEW))
        photos_again = chain(first, photos)
        if self.workers == 1 or 0 < len(first) < FEW:
            for key, photo in photos_again:
                yield key, photo, self._extractor(photo, crops=crops)
            return
        under_way: deque[tuple[Key, UnderWay[Extracted]]] = deque()
        extract = partial(self._extractor, crops=crops)

        def finish() -> tuple[Key, Photo, Extracted]:
            key, task = under_way.popleft()
            return key, task.photo, self._workers.extracted(task)

        try:
            for key, photo in photos_again:
                under_way.append((key, self._workers.submit(extract, photo)))
                if len(under_way) >= ahead * self.workers:
                    yield finish()
            while under_way:
                yield finish()
        finally:
            for _, task in under_way:
                task.made.cancel()


def load(
    model: str | Path | None = None,
    *,
    min_confidence: float | None = None,
    max_error: float | None = None,
    min_face: float | None = None,
    min_share: float = 0,
    workers: int | None = None,
    device: str = "cpu",
) -> Pilah:
    """Load a model, ready to predict.

    Args:
        model: a model of the package, or the path of a `model.onnx`; None is the package's default.
        min_confidence: below this probability (0.5 to 1) of the likelier label, a face is unsure;
            None is what the model recommends.
        max_error: instead of `min_confidence`: be unsure as often as it took on the model's
            validation faces to err no more than this share (0 to 0.5) of the labels given.
        min_face: smallest height of a face that counts: in pixels of the photo, or, below 1, as a
            share of its shorter side. None is 20 pixels, and in a large photo 1% of that side.
        min_share: faces less high than this share of the photo's largest decide nothing for you
            and need not be found, which saves time: 0 finds all, 1 looks for the largest alone.
        workers: how many processes decode and detect in `predict_many`; None is one a core, 1 does
            it all in this process.
        device: where faces are classified: `cpu`, or, where the installed ONNX Runtime has it,
            `cuda`, `coreml` or `directml`. Decoding and detection stay on the CPU.

    Raises:
        BundleError: the model cannot be used, or never errs as little as `max_error`.
        PilahError: `min_confidence` or `max_error` is out of its range, or both are given.
    """
    return Pilah(
        model or DEFAULT_MODEL,
        min_confidence=min_confidence,
        max_error=max_error,
        min_face=min_face,
        min_share=min_share,
        workers=workers,
        device=device,
    )


def confidence_asked(
    info: BundleInfo, min_confidence: float | None, max_error: float | None
) -> float:
    """The minimum confidence that a caller asks of a model; see `load`.

    Raises:
        BundleError: the model never errs as little as `max_error`.
        PilahError: one of them is out of its range, or both are given.
    """
    if max_error is None:
        chosen = info.min_confidence if min_confidence is None else min_confidence
        if not 0.5 <= chosen <= 1:
            raise PilahError(
                f"a minimum confidence of {min_confidence} is out of range; give 0.5 (never "
                "unsure) to 1"
            )
        return chosen
    if min_confidence is not None:
        raise PilahError(
            "a minimum confidence and a maximum error exclude each other; give one of them"
        )
    if not 0 <= max_error <= 0.5:
        raise PilahError(
            f"a maximum error of {max_error} is out of range; give a share from 0 to 0.5, such as "
            "0.01"
        )
    return info.point_for(max_error).min_confidence


def _checked(photos: Iterable[tuple[Key, Photo]]) -> Iterator[tuple[Key, Photo]]:
    """Photos in a form that a worker can take; here, because a mistake is the caller's to see."""
    for key, photo in photos:
        yield key, as_photo(photo)


def _path_of(photo: Photo) -> str | None:
    return os.fspath(photo) if isinstance(photo, str | os.PathLike) else None
