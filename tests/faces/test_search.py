from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pilah.faces.detect import RELIABLE, Detection, Detector
from pilah.faces.picture import Picture
from pilah.faces.search import BASE, Search, _starts, search
from pilah.faces.upright import box_before, rotated
from pilah.types import Box
from tests.faces.pictures import astronaut, crowd, hopper


class Counted(Detector):
    """A detector that knows the sizes of the images it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[tuple[int, int]] = []

    def detect(self, image_rgb: np.ndarray, *, min_score: float) -> list[Detection]:
        self.sizes.append(image_rgb.shape[:2])
        return super().detect(image_rgb, min_score=min_score)


@pytest.fixture
def detector() -> Counted:
    return Counted()


def found(image_rgb: np.ndarray, detector: Detector, **how: float) -> Search:
    return search(Picture(image_rgb), detector, **{"min_face": 20, **how})


def test_a_portrait_needs_one_small_pass(detector: Counted) -> None:
    for portrait in (hopper(), astronaut()):
        detector.sizes.clear()
        (face,) = found(portrait, detector, min_share=0.5).detections
        assert len(detector.sizes) == 1 and max(detector.sizes[0]) == BASE
        assert face.box.height > 100


@pytest.mark.parametrize("side", [150, 60, 40])
def test_a_close_up_is_found_however_small(detector: Counted, side: int) -> None:
    close = Image.fromarray(astronaut()).crop((165, 45, 285, 185)).resize((side, side))
    (face,) = found(np.asarray(close), detector, min_share=0.5).detections
    assert face.box.height > 0.6 * side


def test_a_face_that_fills_a_large_photo_is_found(detector: Counted) -> None:
    close = Image.fromarray(astronaut()).crop((165, 45, 285, 185)).resize((2400, 2800))
    (face,) = found(np.asarray(close), detector, min_share=0.5).detections
    assert face.box.height > 1700


@pytest.mark.parametrize(("half", "side"), [(40, 400), (46, 400), (46, 1000)])
def test_a_face_that_the_picture_cuts_is_found(detector: Counted, half: int, side: int) -> None:
    across, down = 272, 162  # from the eyes to the mouth: too large for the first scale
    box = (across - half, down - half, across + half, down + half)
    close = Image.fromarray(hopper()).crop(box).resize((side, side))
    (face,) = found(np.asarray(close), detector, min_share=0.5).detections
    assert face.box.height > 0.9 * side


def test_a_second_scale_is_no_larger_than_the_answer_needs(detector: Counted) -> None:
    picture = crowd((800, 800), 100, 2, 2)  # 40 pixels on the first scale; half of it is 20
    assert len(found(picture, detector, min_share=0.5).detections) == 4
    first, second = (max(size) for size in detector.sizes)
    assert first == BASE < second < 1.5 * BASE


def test_a_scale_between_the_first_and_a_near_last_one_is_left_out(detector: Counted) -> None:
    both = np.hstack([hopper(), crowd((600, 688), 40, 4, 4)])
    looked = found(both, detector, min_face=32)
    assert [max(size) for size in detector.sizes] == [BASE, 900]
    assert len(looked.detections) == 17
    detector.sizes.clear()
    found(np.zeros_like(both), detector, min_face=32)  # nothing is found: none is left out
    assert {max(size) for size in detector.sizes} >= {BASE, 2 * BASE, 900}


def test_small_faces_in_a_large_photo_are_found(detector: Counted) -> None:
    picture = crowd((1500, 2000), 40, 6, 4)
    result = found(picture, detector)
    assert len(result.detections) == 24
    assert result.depth == pytest.approx(20)
    assert all(30 < face.box.height < 55 for face in result.detections)


def test_a_face_in_a_panorama_is_found(detector: Counted) -> None:
    panorama = np.full((420, 12000, 3), 120, np.uint8)
    panorama[60:360, 7000:7300] = astronaut()[:300, 70:370]
    (face,) = found(panorama, detector, min_share=0.5).detections
    assert 7000 < face.box.left < face.box.right < 7300
    upright = np.ascontiguousarray(panorama.transpose(1, 0, 2)[::-1])  # and lying on its side
    turned = found(upright, detector, min_share=0.5)
    assert turned.rotation == 90 and len(turned.detections) == 1


def test_a_search_that_may_stop_finds_the_same_large_faces(detector: Counted) -> None:
    picture = crowd((1500, 2000), 40, 6, 4)
    picture = np.array(picture)
    picture[1000:1500, 700:1212] = astronaut()[:500]
    whole = found(picture, detector)
    passes = len(detector.sizes)
    detector.sizes.clear()
    soon = found(picture, detector, min_share=0.5)
    assert len(detector.sizes) < passes
    half = 0.5 * whole.detections[0].box.height
    assert [face for face in whole.detections if face.box.height >= half] == [
        face for face in soon.detections if face.box.height >= half
    ]
    assert len(whole.detections) > 15
    assert soon.depth > whole.depth


def test_a_face_that_one_scale_is_unsure_about_is_decided_by_the_next(detector: Counted) -> None:
    """A mouth is covered: too high for the second scale alone, too uncertain on the first."""
    picture = np.full((1600, 1600, 3), 128, np.uint8)
    head = Image.fromarray(astronaut())
    picture[:800, :1024] = np.asarray(head.resize((1024, 1024)))[:800]
    covered = np.array(head.resize((680, 680)))
    covered[186:] = 90
    picture[810:1490, 810:1490] = covered
    first = detector.detect(Picture(picture).at(BASE / 1600), min_score=0.4)
    assert [face.score > 0.7 for face in first] == [True, False]
    for share in (0.5, 0.0):
        assert len(found(picture, detector, min_share=share).detections) == 2


def test_faces_below_the_least_are_not_given(detector: Counted) -> None:
    picture = crowd((600, 900), 50, 3, 2)
    assert len(found(picture, detector, min_face=30).detections) == 6
    assert found(picture, detector, min_face=80).detections == ()


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("portrait", [hopper, astronaut])
def test_a_rotated_photo_is_searched_upright(detector: Counted, rotation: int, portrait) -> None:
    upright = portrait()
    scan = np.ascontiguousarray(np.rot90(upright, rotation // 90))  # counter-clockwise
    result = found(scan, detector, min_share=0.5)
    assert result.rotation == rotation
    assert np.array_equal(rotated(scan, result.rotation), upright)
    (face,) = result.detections
    (known,) = found(upright, detector, min_share=0.5).detections
    assert face.box.left == pytest.approx(known.box.left, abs=2)
    assert face.box.bottom == pytest.approx(known.box.bottom, abs=2)


def test_a_rotated_photo_of_small_faces_is_searched_upright(detector: Counted) -> None:
    scan = np.ascontiguousarray(np.rot90(crowd((1500, 2000), 40, 6, 4)))
    result = found(scan, detector)
    assert result.rotation == 90 and len(result.detections) >= 23


def test_other_rotations_are_searched_only_when_scores_suggest_it(detector: Counted) -> None:
    found(hopper(), detector, min_share=0.5)
    assert len(detector.sizes) == 1
    detector.sizes.clear()
    found(np.ascontiguousarray(np.rot90(hopper())), detector, min_share=0.5)
    assert len(detector.sizes) == 4


def test_a_photo_without_a_face_has_none_and_says_how_far_it_looked(detector: Counted) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (700, 900, 3), np.uint8)
    result = found(noise, detector)
    assert result.detections == () and result.rotation == 0 and result.depth == pytest.approx(20)


@given(st.integers(1, 20000), st.integers(2, 2000), st.floats(0, 0.5))
def test_parts_cover_a_side_and_overlap(length: int, part: int, share: float) -> None:
    overlap = int(share * part)
    starts = _starts(length, part, overlap)
    assert starts[0] == 0 and starts[-1] + part >= length
    assert starts[-1] + part == length or len(starts) == 1
    for left, right in pairwise(starts):
        assert left < right <= left + part - overlap + 1


@given(
    st.sampled_from([0, 90, 180, 270]),
    *[st.integers(1, 30)] * 2,
    *[st.integers(0, 29)] * 2,
)
def test_a_box_goes_back_to_the_pixel_it_came_from(
    rotation: int, height: int, width: int, row: int, column: int
) -> None:
    image_rgb = np.zeros((height, width, 3), np.uint8)
    row, column = row % height, column % width
    image_rgb[row, column] = 255
    rows, columns = np.nonzero(rotated(image_rgb, rotation)[..., 0])
    there = Box(columns[0], rows[0], columns[0] + 1, rows[0] + 1)
    assert box_before(there, rotation, (height, width)) == Box(column, row, column + 1, row + 1)


def test_the_reliable_height_is_found_on_the_first_scale(detector: Counted) -> None:
    picture = crowd((BASE, BASE), round(1.5 * RELIABLE), 2, 2)
    assert len(found(picture, detector, min_share=1).detections) == 4
    assert len(detector.sizes) == 1
