"""Which parts of a face changed the answer: on portraits, with the tiny model and a shipped one."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pilah
from pilah.app.samples import sample_photos
from pilah.errors import ImageError
from pilah.occlusion import GREY, Crop
from pilah.pipeline import Pilah


@pytest.fixture(scope="module")
def portraits() -> dict[str, Path]:
    samples = sample_photos()
    if len(samples) < 2:
        pytest.skip("the two sample portraits are not installed (matplotlib and scikit-image)")
    return samples


@pytest.fixture(scope="module")
def tiny(tiny_bundle) -> Pilah:
    return pilah.load(tiny_bundle, workers=1)


@pytest.fixture(scope="module")
def small() -> Pilah:
    return pilah.load("pilah-small", workers=1)


def test_the_answer_to_the_whole_crop_is_that_of_the_photo(small, portraits):
    for path in portraits.values():
        result = small.predict(path)
        crop = small.crop(path)
        occlusion = small.occlusion(crop)
        assert occlusion.p_male == pytest.approx(result.p_male, abs=1e-6)
        assert occlusion.change.shape == crop.image_rgb.shape[:2] == small.info.size_hw
        assert occlusion.lowest <= occlusion.p_male + occlusion.change.min() + 1e-6
        assert occlusion.highest >= occlusion.p_male + occlusion.change.max() - 1e-6
        assert np.isfinite(occlusion.change).all()


def test_what_is_covered_changes_the_answer_as_it_must(tiny, portraits):
    """The tiny model asks for the mean brightness, so anyone can say what a grey square does."""
    crop = tiny.crop(portraits["Grace Hopper"])
    occlusion = tiny.occlusion(crop)
    pixels = crop.image_rgb.astype(np.float64)

    def p_male(image: np.ndarray) -> float:
        return 1 / (1 + np.exp(-(image.mean() - 127.5) / 16))

    corner = pixels.copy()
    corner[:6, :6] = GREY  # a fifth of the height of 32; no other square covers the first pixel
    assert occlusion.change[0, 0] == pytest.approx(p_male(corner) - p_male(pixels), abs=1e-5)


def test_dark_parts_make_the_tiny_model_less_sure_of_male_and_bright_ones_more(tiny):
    halves = np.zeros((32, 24, 3), np.uint8)
    halves[:, 12:] = 255
    change = tiny.occlusion(Crop(halves, np.nan)).change
    assert (change[:, :9] > 0).all()
    assert (change[:, 15:] < 0).all()


def test_a_grey_crop_has_no_part_that_counts(tiny):
    grey = Crop(np.full((32, 24, 3), GREY, np.uint8), np.nan)
    assert not tiny.occlusion(grey).change.any()


def test_of_a_portrait_the_face_counts_more_than_the_corners(small, portraits):
    change = np.abs(small.occlusion(small.crop(portraits["Eileen Collins"])).change)
    height, width = change.shape
    middle = change[height // 4 : -height // 4, width // 4 : -width // 4]
    corners = [change[y, x] for y in (0, -1) for x in (0, -1)]
    assert middle.max() > 2 * max(corners)


def test_what_lies_outside_the_crop_changes_nothing(small, portraits):
    face = np.asarray(Image.open(portraits["Eileen Collins"]).convert("RGB").resize((128, 160)))
    wide = np.pad(face, ((0, 0), (50, 50), (0, 0)), mode="reflect")
    covered = wide.copy()
    covered[:, :50] = covered[:, -50:] = GREY
    before, after = (small.occlusion(small.crop(image, crops=True)) for image in (wide, covered))
    assert (after.change == before.change).all()


def test_each_face_of_a_photo_has_its_own_map(small, portraits):
    parts = [Image.open(path).convert("RGB").resize((512, 512)) for path in portraits.values()]
    both = np.concatenate([np.asarray(part) for part in parts], axis=1)
    faces = small.predict(both).faces
    assert len(faces) == 2
    maps = [small.occlusion(small.crop(both, number)) for number in range(2)]
    assert [each.p_male for each in maps] == pytest.approx(
        [face.p_male for face in faces], abs=1e-6
    )
    assert not np.allclose(maps[0].change, maps[1].change)
    with pytest.raises(IndexError):
        small.crop(both, 2)


def test_a_ready_crop_is_taken_as_it_is(small, portraits):
    photo = Image.open(portraits["Eileen Collins"]).convert("RGB").resize((128, 160))
    crop = small.crop(photo, crops=True)
    assert (crop.image_rgb == np.asarray(photo)).all()
    expected = small.predict(photo, crops=True).p_male
    assert small.occlusion(crop).p_male == pytest.approx(expected, abs=1e-6)


def test_a_photo_that_cannot_be_read_says_so(small):
    with pytest.raises(ImageError, match="not an image"):
        small.crop(b"nope")
