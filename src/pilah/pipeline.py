"""Many photos in, one Result each, in the same order.

    photos ─▶ worker processes: decode, find, crop, classify ─▶ Results
              (stream.py, workers.py, faces/, models/)

A worker does all of a photo, so that only its path and its Result travel.
"""

import io
import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pilah.cores import usable_cores
from pilah.errors import ImageError, PhotoTypeError, PilahError
from pilah.faces.detect import shared_detector
from pilah.faces.extract import Extractor
from pilah.models import DEFAULT_MODEL, model_path
from pilah.models.bundle import BundleInfo, open_bundle
from pilah.models.classifier import Classifier
from pilah.models.confidence import confidence_asked
from pilah.occlusion import Crop, Occlusion, occlude
from pilah.photo import Photo, PlainPhoto, as_photo
from pilah.results import Answerer, answer_each
from pilah.stream import Key, Task, by_processes, by_threads
from pilah.types import Result
from pilah.workers import Workers

if TYPE_CHECKING:
    from pilah.video.follow import Track

AHEAD = 16
"""Photos a worker that are done ahead of what is asked for."""

FEW = 16
"""Fewer photos than this are done before worker processes would have started."""

SINGLE = (str, bytes, bytearray, memoryview, os.PathLike, io.IOBase, Image.Image, np.ndarray)
SEVERAL = "a list of photos, or call predict for one"


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
        if min_face is not None and not 0 <= min_face < float("inf"):
            raise PilahError(
                f"a smallest face of {min_face} is out of range; give its height in pixels, such "
                "as 20, or a share of the photo's shorter side, such as 0.05"
            )
        self.workers = usable_cores() if workers is None else max(1, workers)
        bundle = open_bundle(
            model_path(model), threads=min(self.workers, usable_cores()), device=device
        )
        self.info: BundleInfo = bundle.info
        self.min_confidence = confidence_asked(self.info, min_confidence, max_error)
        self._extractor = Extractor(
            self.info.size_hw, self.info.frame, shared_detector(), min_face, min_share
        )
        self._file, self._classifier = bundle.file, Classifier(bundle)
        self._workers = Workers(self.workers)

    def predict(self, photo: Photo, *, crops: bool = False) -> Result:
        """Say what is known about one photo; an unreadable one gives a Result with its error.

        Args:
            photo: see `photo.Photo`: a path, an encoded file, a Pillow image, or uint8 pixels.
            crops: the photo is a face crop already, as the model was trained on: nothing is
                detected, its centre is resized to the model's input.
        """
        return self._answerer(crops)(as_photo(photo))

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
        self,
        photos: Iterable[tuple[Key, Photo]],
        *,
        crops: bool = False,
        ahead: int = AHEAD,
        apart: bool = False,
    ) -> Iterator[tuple[Key, Result]]:
        """Give (key, Result) for each (key, photo), so that nobody needs to count.

        A key may be anything; it comes back as it was given. `ahead` is how many photos a worker
        are taken before they are needed: fewer where they are bytes, which take memory. With
        `apart` no photo is read in this process, however few they are: one that would end it ends
        a worker. For the rest see `predict_many`.

        Raises:
            PhotoTypeError: something among `photos` is not a photo.
        """
        checked, answerer = _checked(photos), self._answerer(crops)
        alone = self.workers == 1 and not apart
        wait = not (alone or apart or self._workers.started)
        first = list(islice(checked, FEW)) if wait else []
        photos_again = chain(first, checked)
        if alone or 0 < len(first) < FEW:
            for key, photo in photos_again:
                yield key, answerer(photo)
            return
        yield from by_processes(photos_again, self._workers, self._task(crops), ahead=ahead)

    def predict_pixels(
        self, images: Iterable[tuple[Key, NDArray[np.uint8]]], *, ahead: int = 2
    ) -> Iterator[tuple[Key, Result]]:
        """Give (key, Result) for each (key, pixels): as `predict_stream`, by threads.

        Pixels would have to travel to a process, and have nothing left in them that could end one.

        Args:
            images: each with a key, which may be anything; pixels are uint8 RGB (h, w, 3).
            ahead: how many images a thread are taken before they are needed.

        Raises:
            BundleError: the model's file is not there as it was.
        """
        return by_threads(images, self.workers, self._task(crops=False), ahead=ahead)

    def crop(self, photo: Photo, number: int = 0, *, crops: bool = False) -> Crop:
        """What the model sees of one face; `number` counts `Result.faces` from 0.

        Raises:
            ImageError: the photo cannot be read.
            IndexError: it has no such face.
        """
        extracted = self._extractor(as_photo(photo), crops=crops)
        if extracted.error is not None:
            raise ImageError(extracted.error)
        return Crop(extracted.crops[number], np.nan if crops else extracted.heights[number])

    def occlusion(self, crop: Crop) -> Occlusion:
        """Which parts of a face changed the answer about it (see `occlusion.occlude`)."""
        return occlude(crop, self._classifier)

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
            VideoError: nothing can be read of it, or `every` is no number above 0.
        """
        from pilah.video.follow import Following, follow

        how = Following.of(self.info, self.min_confidence, every)
        return follow(Path(video), self.predict_pixels, how)

    def close(self) -> None:
        """End the worker processes; they also end with the program."""
        self._workers.close()

    def _task(self, crops: bool) -> Task:
        """What a worker does with photos."""
        return partial(
            answer_each,
            extractor=self._extractor,
            model=self._file,
            min_confidence=self.min_confidence,
            crops=crops,
        )

    def _answerer(self, crops: bool) -> Answerer:
        return Answerer(self._extractor, self._classifier, self.min_confidence, crops)


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
        workers: how many processes answer photos in `predict_many`; None is one a core, 1 does it
            all in this process.
        device: where faces are classified: `cpu`, or, where the installed ONNX Runtime has it,
            `cuda`, `coreml` or `directml`; each worker opens the model there. Decoding and
            detection stay on the CPU.

    Raises:
        BundleError: the model cannot be used, or never errs as little as `max_error`.
        PilahError: `min_confidence`, `max_error` or `min_face` is out of its range, or both of the
            first two are given.
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


def _checked(photos: Iterable[tuple[Key, Photo]]) -> Iterator[tuple[Key, PlainPhoto]]:
    """Photos in a form that a worker can take; here, because a mistake is the caller's to see."""
    for key, photo in photos:
        yield key, as_photo(photo)
