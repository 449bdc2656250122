"""YuNet finds the faces in one image, at that image's own scale.

Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector", 2023. `yunet.onnx` holds
libfacedetection's weights (licence beside it) and is written by `studies/yunet.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pilah import runtime
from pilah.types import Box

DETECTOR = "YuNet"
STRIDES = (8, 16, 32)
RELIABLE = 24.0
"""Height in pixels from which a face is found: of 229 faces at this height YuNet found 97% with a
score of 0.7, at 20 pixels 87%, at 16 pixels 52%."""

_YUNET = Path(__file__).with_name("yunet.onnx")
_MULTIPLE = STRIDES[-1]


@dataclass(frozen=True, slots=True)
class Detection:
    """One face: its box in pixels, the detector's score (0 to 1), and its tilt.

    `tilt` is in degrees, clockwise: the mean of what the eyes say and what the line from them to
    the mouth says. Where a face is tilted far, the detector's landmarks show a part of it only.
    """

    box: Box
    score: float
    tilt: float = 0.0

    def moved(self, scale: float, left: float = 0.0, top: float = 0.0) -> "Detection":
        """The same face in an image `scale` times as large, of which this one begins at a point."""
        box = self.box
        return replace(
            self,
            box=Box(
                (box.left + left) * scale,
                (box.top + top) * scale,
                (box.right + left) * scale,
                (box.bottom + top) * scale,
            ),
        )


class Detector:
    """YuNet's graph. Several threads may share one."""

    def __init__(self) -> None:
        """Load the graph; one thread, for its layers are too small for more."""
        self._session = runtime.open_session(_YUNET, threads=1)

    def __reduce__(self) -> "tuple[Callable[[], Detector], tuple[()]]":
        """Another process has one of its own."""
        return shared_detector, ()

    def detect(self, image_rgb: NDArray[np.uint8], *, min_score: float) -> list[Detection]:
        """Faces in uint8 RGB (h, w, 3), the best score first; none twice.

        A face is found well from `RELIABLE` pixels of height up to the height of the image.
        """
        height, width = image_rgb.shape[:2]
        padded = np.zeros((1, _padded(height), _padded(width), 3), np.uint8)
        padded[0, :height, :width] = image_rgb
        score, box, landmarks = self._session.run(["score", "box", "landmarks"], {"image": padded})
        likely = np.flatnonzero(score[0] >= min_score)
        x, y, stride = _cells(padded.shape[1], padded.shape[2], likely)
        relative = box[0, likely]
        centre_x, centre_y = (x + relative[:, 0]) * stride, (y + relative[:, 1]) * stride
        half_w, half_h = (np.exp(relative[:, 2:]) * (stride / 2)[:, None]).T
        edges = np.stack(
            [centre_x - half_w, centre_y - half_h, centre_x + half_w, centre_y + half_h], axis=1
        )
        found = [
            Detection(Box(*map(float, corners)), float(p), tilt)
            for corners, p, tilt in zip(
                edges, score[0, likely], _tilt(landmarks[0, likely]), strict=True
            )
        ]
        return distinct(found)


@cache
def shared_detector() -> Detector:
    """The one detector of this process."""
    return Detector()


def distinct(
    found: list[Detection], *, max_iou: float = 0.3, max_inside: float = 0.7
) -> list[Detection]:
    """Drop what repeats a face of a better score; the best score first.

    A box repeats another when their intersection over union is above `max_iou`, or when more than
    `max_inside` of the smaller one lies in the larger (a mouth found inside a face).
    """
    kept: list[Detection] = []
    for face in sorted(found, key=lambda face: -face.score):
        if not any(repeats(face, other, max_iou, max_inside) for other in kept):
            kept.append(face)
    return kept


def repeats(
    face: Detection, other: Detection, max_iou: float = 0.3, max_inside: float = 0.7
) -> bool:
    """Whether two detections are one face; see `distinct`."""
    a, b = face.box, other.box
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    if width <= 0 or height <= 0:
        return False
    shared = width * height
    return shared > max_iou * (a.area + b.area - shared) or shared > max_inside * min(
        a.area, b.area
    )


def _tilt(landmarks: NDArray[np.float32]) -> list[float]:
    """Tilt in degrees from landmarks (n, 5, 2): eyes, nose, corners of the mouth, left first."""
    left_eye, right_eye, _, left_mouth, right_mouth = landmarks.transpose(1, 0, 2)
    run, rise = (right_eye - left_eye).T
    aside, down = ((left_mouth + right_mouth - left_eye - right_eye) / 2).T
    tilt: list[float] = np.degrees((np.arctan2(rise, run) + np.arctan2(-aside, down)) / 2).tolist()
    return tilt


def _padded(pixels: int) -> int:
    return -(-pixels // _MULTIPLE) * _MULTIPLE


def _cells(
    height: int, width: int, chosen: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Column, row and stride of cells, from their places in the graph's output."""
    first = 0
    x, y, stride = np.empty_like(chosen), np.empty_like(chosen), np.empty_like(chosen)
    for step in STRIDES:
        columns, count = width // step, (height // step) * (width // step)
        here = (chosen >= first) & (chosen < first + count)
        y[here], x[here] = np.divmod(chosen[here] - first, columns)
        stride[here] = step
        first += count
    return x, y, stride
