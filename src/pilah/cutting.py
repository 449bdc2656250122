"""From one photo to its framed face crops: what a worker process does while the classifier runs."""

import multiprocessing
import os
import signal
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilah.detector import Detection, Detector, choose
from pilah.errors import ImageError
from pilah.framing import fit_crop, frame_crop
from pilah.images import Photo, read
from pilah.types import Box, Frame

DECODE_AT_LEAST = 1280
"""Pixels of the longer side that a large JPEG keeps: more than detection needs, and enough for
a face that takes a fifth of it."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The faces of one photo, ready for the classifier, or the error that it raised.

    `detections` are in pixels of the upright photo of `size_hw`, largest first; `crops` is uint8
    (faces, *model size, 3) in the same order.
    """

    detections: tuple[Detection, ...]
    crops: NDArray[np.uint8]
    size_hw: tuple[int, int] | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Cutter:
    """How photos are cut for one model.

    `frame` belongs to `detector`. `min_face` is the smallest box height kept: in pixels, or, below
    1, as a share of the photo's shorter side.
    """

    size_hw: tuple[int, int]
    frame: Frame
    detector: Detector
    min_face: float

    def __call__(self, photo: Photo, *, crops: bool) -> Cut:
        """Cut one photo, which is a face crop already if `crops`.

        Whatever goes wrong with the photo is told in the Cut, never raised.
        """
        try:
            return self._whole(photo) if crops else self._faces(photo)
        except ImageError as error:
            reason = str(error)
        except Exception as error:  # one photo must not end a batch
            reason = f"{type(error).__name__}: {error}"
        return self.failed(reason)

    def failed(self, reason: str) -> Cut:
        """What a photo gives that cannot be cut."""
        return Cut((), self._stack([]), None, reason)

    def _whole(self, photo: Photo) -> Cut:
        """The photo is a crop: cut at its centre to the model's proportions, then resized."""
        pixels = read(photo)
        crop = fit_crop(pixels.image_rgb, self.size_hw)
        height, width = pixels.size_hw
        whole = Detection(Box(0, 0, width, height), 1.0)
        return Cut((whole,), self._stack([crop]), pixels.size_hw)

    def _faces(self, photo: Photo) -> Cut:
        pixels = read(photo, at_least=DECODE_AT_LEAST)
        found = self.detector.detect(pixels.image_rgb)
        scale = max(pixels.size_hw) / max(pixels.image_rgb.shape[:2])
        least = self.min_face * (min(pixels.size_hw) if self.min_face < 1 else 1)
        found = [face for face in found if face.box.height * scale >= least]
        smallest = min((face.box.height for face in found), default=np.inf)
        if scale > 1 and smallest * self.frame.height < self.size_hw[0]:
            # A face smaller than the model's input: the pixels that were left out do matter.
            image_rgb, to_image = read(photo).image_rgb, scale
        else:
            image_rgb, to_image = pixels.image_rgb, 1.0
        crops = [
            frame_crop(image_rgb, _times(face.box, to_image), self.frame, self.size_hw)
            for face in found
        ]
        detections = tuple(Detection(_times(face.box, scale), face.score) for face in found)
        return Cut(detections, self._stack(crops), pixels.size_hw)

    def _stack(self, crops: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        return np.stack(crops) if crops else np.empty((0, *self.size_hw, 3), np.uint8)


def _times(box: Box, scale: float) -> Box:
    return Box(box.left * scale, box.top * scale, box.right * scale, box.bottom * scale)


_cutter: Cutter


def start_worker(size_hw: tuple[int, int], frame: Frame, detector: str, min_face: float) -> None:
    """Prepare a worker process: it outlives neither Ctrl-C in its parent nor its parent's death."""
    global _cutter
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _cutter = Cutter(size_hw, frame, choose([detector]), min_face)


def cut_in_worker(photo: Photo, *, crops: bool) -> Cut:
    """Cut one photo in a worker process."""
    return _cutter(photo, crops=crops)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # killed: without this the worker would wait for work for ever
