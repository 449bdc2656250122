"""From one photo to the crops of its faces: what a worker does while the classifier runs."""

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pilah.errors import ImageError, PhotoTypeError
from pilah.faces.crop import centre_crop, crop_face
from pilah.faces.detect import Detection, Detector
from pilah.faces.picture import Picture
from pilah.faces.search import Search, search
from pilah.faces.upright import box_before
from pilah.images import read
from pilah.photo import Photo
from pilah.types import Box, Frame

MIN_FACE = 20
MIN_FACE_SHARE = 0.01
"""A large photo shows even a distant face with more pixels, and takes long to search for fewer."""


@dataclass(frozen=True, slots=True)
class Seconds:
    """What the stages of one photo took: wall time, in seconds."""

    decode: float = 0.0
    detect: float = 0.0
    crop: float = 0.0


@dataclass(frozen=True, slots=True)
class Extracted:
    """The faces of one photo, ready for the classifier, or the error that it raised.

    `detections` are in pixels of the photo of `size_hw`, the highest face first, each with the tilt
    that was taken out of its crop; `heights` are the faces' own heights, and `crops` is uint8
    (faces, *model size, 3), in the same order. `rotation` and `depth` are those of `Result`.
    """

    detections: tuple[Detection, ...]
    heights: tuple[float, ...]
    crops: NDArray[np.uint8]
    size_hw: tuple[int, int] | None
    rotation: int = 0
    depth: float | None = None
    error: str | None = None
    seconds: Seconds = Seconds()

    def highest(self, number: int) -> "Extracted":
        """The same photo with no more than its `number` highest faces."""
        return replace(
            self,
            detections=self.detections[:number],
            heights=self.heights[:number],
            crops=self.crops[:number],
        )


def unreadable(reason: str) -> Extracted:
    """What a photo gives that cannot be read."""
    return Extracted((), (), np.empty((0, 0, 0, 3), np.uint8), None, error=reason)


@dataclass(frozen=True, slots=True)
class Extractor:
    """How the faces of photos are found and cropped for one model.

    `size_hw` and `frame` are the model's. `min_face` is the smallest height of a face that counts:
    in pixels of the photo, or, below 1, as a share of its shorter side; None is `MIN_FACE` pixels
    but at least `MIN_FACE_SHARE` of that side. `min_share` is that of
    `faces.search.search`.
    """

    size_hw: tuple[int, int]
    frame: Frame
    detector: Detector
    min_face: float | None
    min_share: float

    def __call__(self, photo: Photo, *, crops: bool) -> Extracted:
        """Find and crop the faces of a photo, which is a face crop already if `crops`.

        Whatever goes wrong with the photo is kept in what is returned, never raised.

        Raises:
            PhotoTypeError: `photo` is not a photo at all.
        """
        try:
            return self._ready(photo) if crops else self._found(photo)
        except PhotoTypeError:
            raise
        except ImageError as error:
            reason = str(error)
        except Exception as error:  # one photo must not end a batch
            reason = f"{type(error).__name__}: {error}"
        return unreadable(reason)

    def _ready(self, photo: Photo) -> Extracted:
        """The photo is a crop: its centre, in the model's proportions."""
        started = time.perf_counter()
        pixels = read(photo)
        decoded = time.perf_counter()
        crop = centre_crop(pixels.image, self.size_hw)
        height, width = pixels.size_hw
        whole = Detection(Box(0, 0, width, height), 1.0)
        seconds = Seconds(decode=decoded - started, crop=time.perf_counter() - decoded)
        crops = self._stack([crop])
        return Extracted((whole,), (height,), crops, pixels.size_hw, seconds=seconds)

    def _found(self, photo: Photo) -> Extracted:
        started = time.perf_counter()
        picture = Picture(photo)
        found = search(
            picture,
            self.detector,
            min_face=self.least(picture.size_hw),
            min_share=self.min_share,
        )
        searched, decoding = time.perf_counter(), picture.decoding
        cropped = [self._crop(picture, found, face) for face in found.detections]
        again = picture.decoding - decoding
        return Extracted(
            tuple(
                replace(face, box=box_before(face.box, found.rotation, picture.size_hw), tilt=tilt)
                for face, (_, tilt) in zip(found.detections, cropped, strict=True)
            ),
            tuple(face.box.height for face in found.detections),
            self._stack([crop for crop, _ in cropped]),
            picture.size_hw,
            found.rotation,
            found.depth,
            seconds=Seconds(
                decode=decoding + again,
                detect=searched - started - decoding,
                crop=time.perf_counter() - searched - again,
            ),
        )

    def least(self, size_hw: tuple[int, int]) -> float:
        """The smallest height of a face that counts, in pixels of a photo of that size."""
        shorter_side = min(size_hw)
        if self.min_face is None:
            return max(MIN_FACE, MIN_FACE_SHARE * shorter_side)
        return self.min_face * (shorter_side if self.min_face < 1 else 1)

    def _crop(
        self, picture: Picture, found: Search, face: Detection
    ) -> tuple[NDArray[np.uint8], float]:
        # A JPEG that was decoded at a reduced scale is read again where a crop needs more pixels.
        needed = self.size_hw[0] / (self.frame.height * face.box.height)
        image, scale = picture.with_scale(min(1.0, needed), found.rotation)
        return crop_face(image, face.moved(scale).box, face.tilt, self.frame, self.size_hw)

    def _stack(self, crops: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        return np.stack(crops) if crops else np.empty((0, *self.size_hw, 3), np.uint8)
