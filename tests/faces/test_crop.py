from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pilah.errors import DataError
from pilah.faces.crop import centre_crop, crop_box, crop_face, inside, resize_box
from pilah.faces.detect import Detector
from pilah.faces.frame import fit_frame, median_frame
from pilah.types import Box, Frame
from tests.faces.pictures import astronaut


def gradient(height: int, width: int) -> Image.Image:
    """Red is the column, green the row."""
    image_rgb = np.zeros((height, width, 3), np.uint8)
    image_rgb[..., 0] = np.arange(width)
    image_rgb[..., 1] = np.arange(height)[:, None]
    return Image.fromarray(image_rgb)


def test_a_crop_at_its_own_size_is_the_pixels_themselves() -> None:
    image = gradient(200, 250)
    crop, tilt = crop_face(image, Box(60, 70, 90, 110), 3, Frame(0, 0.25, 1.5), (60, 40))
    assert tilt == 0
    assert np.array_equal(crop, np.asarray(image)[70:130, 55:95])


def test_a_crop_is_placed_between_pixels_too() -> None:
    crop = resize_box(gradient(100, 100), Box(10.5, 20.5, 50.5, 60.5), (40, 40))
    assert abs(int(crop[20, 20, 0]) - 31) <= 1 and abs(int(crop[20, 20, 1]) - 41) <= 1


def test_outside_the_image_its_edge_is_repeated() -> None:
    image = gradient(100, 100)
    image_rgb = np.asarray(image)
    crop = resize_box(image, Box(-30, -30, 130, 130), (160, 160))
    assert np.array_equal(crop[30:130, 30:130], image_rgb)
    assert np.array_equal(crop[:30, 30:130], np.broadcast_to(image_rgb[0], (30, 100, 3)))
    assert (crop[140:, 140:] == image_rgb[-1, -1]).all()


def test_shrinking_averages_instead_of_skipping() -> None:
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[::2] = 255
    crop = resize_box(Image.fromarray(stripes), Box(0, 0, 400, 400), (40, 40))
    assert abs(crop[5:-5].astype(int) - 127).max() <= 4


def test_a_tight_picture_gives_its_own_pixels_only() -> None:
    """The crop that the frame asks for is larger than the picture on every side."""
    crop, _ = crop_face(gradient(100, 90), Box(5, 5, 85, 95), 0, Frame(0, 0, 2), (80, 64))
    red, green = crop[..., 0], crop[..., 1]
    assert red[0, 0] < 7 and red[0, -1] > 82 and green[-1, 0] > 97
    assert (np.diff(red[40].astype(int)) > 0).mean() > 0.95  # no edge is repeated
    assert (np.diff(green[:, 30].astype(int)) > 0).mean() > 0.95


def test_a_face_at_the_edge_is_cropped_beside_it_at_the_same_scale() -> None:
    image = gradient(200, 250)
    crop, _ = crop_face(image, Box(0, 80, 30, 120), 0, Frame(0, 0, 1.5), (60, 40))
    assert np.array_equal(crop, np.asarray(image)[70:130, 0:40])


@given(
    st.tuples(*[st.floats(-300, 300)] * 2),
    st.tuples(*[st.floats(1, 400)] * 2),
    st.tuples(*[st.integers(1, 300)] * 2),
)
def test_a_box_inside_keeps_its_proportions(
    corner: tuple[float, float], size: tuple[float, float], image_hw: tuple[int, int]
) -> None:
    box = Box(*corner, corner[0] + size[0], corner[1] + size[1])
    moved = inside(box, image_hw)
    tiny = 1e-6
    assert moved.left >= -tiny and moved.top >= -tiny
    assert moved.right <= image_hw[1] + tiny and moved.bottom <= image_hw[0] + tiny
    assert moved.width / moved.height == pytest.approx(box.width / box.height, rel=1e-3)
    if box.width <= image_hw[1] and box.height <= image_hw[0]:
        assert moved.width == pytest.approx(box.width, abs=1e-3)


@given(
    st.tuples(*[st.floats(-300, 300)] * 2),
    st.floats(0.01, 400),
    st.floats(0.5, 3),
    st.floats(-60, 60),
    st.tuples(*[st.integers(1, 50)] * 2),
)
def test_every_box_gives_a_crop_of_the_models_size(
    corner: tuple[float, float], side: float, height: float, tilt: float, size_hw: tuple[int, int]
) -> None:
    box = Box(*corner, corner[0] + side, corner[1] + side)
    crop, _ = crop_face(gradient(40, 60), box, tilt, Frame(0, 0, height), size_hw)
    assert crop.shape == (*size_hw, 3) and crop.dtype == np.uint8


@pytest.mark.parametrize("angle", [-30, -15, 15, 30])
def test_a_tilted_face_is_rotated_back_where_there_is_room(angle: int) -> None:
    upright = Image.fromarray(astronaut())
    box, frame, size_hw = Box(180, 60, 270, 175), Frame(0, -0.1, 1.4), (96, 80)
    nose = (225, 117.5)
    tilted = upright.rotate(-angle, Image.Resampling.BICUBIC, center=nose)  # clockwise
    straight, none = crop_face(upright, box, 0, frame, size_hw)
    rotated_back, tilt = crop_face(tilted, box, angle, frame, size_hw)
    left_as_it_is, _ = crop_face(tilted, box, 0, frame, size_hw)
    assert (none, tilt) == (0, angle)

    def difference(crop: np.ndarray) -> float:
        return float(np.abs(crop.astype(int) - straight)[8:-8, 8:-8].mean())

    assert difference(rotated_back) < 6 < difference(left_as_it_is)


def test_a_tilted_face_in_a_tight_picture_stays_as_it_is() -> None:
    _, tilt = crop_face(gradient(100, 90), Box(5, 5, 85, 95), 30, Frame(0, 0, 1.5), (80, 64))
    assert tilt == 0


def test_a_ready_crop_is_cut_at_its_centre() -> None:
    image = gradient(60, 100)
    assert np.array_equal(centre_crop(image, (60, 40)), np.asarray(image)[:, 30:70])


@given(
    st.floats(-0.5, 0.5),
    st.floats(-0.5, 0.5),
    st.floats(1, 3),
    st.lists(st.floats(20, 90), min_size=3),
)
def test_the_frame_of_crops_cut_with_a_frame_is_that_frame(
    shift_x: float, shift_y: float, height: float, box_heights: list[float]
) -> None:
    frame, size_hw = Frame(shift_x, shift_y, height), (218, 178)
    boxes = []
    for box_height in box_heights:
        box = Box(0, 0, 0.8 * box_height, box_height)
        crop = crop_box(box, frame, size_hw)
        scale = size_hw[0] / crop.height
        boxes.append(
            Box(
                (box.left - crop.left) * scale,
                (box.top - crop.top) * scale,
                (box.right - crop.left) * scale,
                (box.bottom - crop.top) * scale,
            )
        )
    mistaken = Box(0, 0, 5, 5)
    fitted = median_frame([*boxes, mistaken], size_hw)
    assert fitted.shift_x == pytest.approx(shift_x, abs=1e-6)
    assert fitted.shift_y == pytest.approx(shift_y, abs=1e-6)
    assert fitted.height == pytest.approx(height)


def test_a_fitted_frame_crops_a_photo_like_the_crops_it_was_fitted_on(tmp_path: Path) -> None:
    ready = resize_box(Image.fromarray(astronaut()), Box(130, -20, 320, 212), (218, 178))
    Image.fromarray(ready).save(tmp_path / "ready.png")
    (tmp_path / "bad.png").write_text("no image")
    frame = fit_frame([tmp_path / "ready.png", tmp_path / "bad.png"], (109, 89))
    face = Detector().detect(astronaut(), min_score=0.7)[0]
    box = crop_box(face.box, frame, (218, 178))
    assert [box.left, box.top, box.right, box.bottom] == pytest.approx([130, -20, 320, 212], abs=14)
    # A square model sees the centre of a crop, 178 of its 218 rows, all of its width
    square = crop_box(face.box, fit_frame([tmp_path / "ready.png"], (64, 64)), (64, 64))
    sides = [square.left, square.top, square.right, square.bottom]
    assert sides == pytest.approx([130, 1, 320, 191], abs=14)


def test_crops_of_two_kinds_show_no_frame_unless_they_were_cut_with_one(tmp_path: Path) -> None:
    """`pilah prepare` cuts such crops out of tight pictures and of roomy ones."""
    paths, cut_with = [], Frame(0, -0.1, 1.9)
    for number in range(4):
        margin = 0 if number % 2 else 60
        part = Box(160 - margin, 50 - margin, 290 + margin, 209 + margin)
        ready = resize_box(Image.fromarray(astronaut()), part, (218, 178))
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(ready).save(paths[-1])
    close = fit_frame(paths[1::2], (218, 178)).height
    wide = fit_frame(paths[::2], (218, 178)).height
    assert wide > 1.5 * close
    with pytest.raises(DataError, match=f"{wide:.2f} faces high or more, a quarter {close:.2f} or"):
        fit_frame(paths, (218, 178))
    assert fit_frame(paths, (218, 178), cut_with) == cut_with
    assert fit_frame(paths, (64, 64), cut_with).height == pytest.approx(1.9 * 178 / 218)
    # Crops of tight pictures alone: in use too no wider ones are to be cut
    assert fit_frame(paths[1::2], (218, 178), cut_with).height == close


def test_crops_that_cannot_be_fitted_are_refused(tmp_path: Path) -> None:
    for side in (50, 60):
        Image.new("RGB", (side, side)).save(tmp_path / f"{side}.png")
    with pytest.raises(DataError, match="only 0 of 1 crops show a face"):
        fit_frame([tmp_path / "50.png"], (64, 64))
    with pytest.raises(DataError, match="have 2 sizes"):
        fit_frame([tmp_path / "50.png", tmp_path / "60.png"], (64, 64))
    with pytest.raises(DataError, match="none of the crops that show the frame can be read"):
        fit_frame([], (64, 64))
