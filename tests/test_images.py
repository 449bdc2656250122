import io
import os
import pickle
import socket
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pilah.errors import ImageError, PhotoTypeError
from pilah.images import MAX_PIXELS, is_photo_name, load, read
from pilah.photo import as_photo
from pilah.sorting.crops import write_crop
from pilah.types import Box

RED, BLUE = (250, 10, 10), (10, 10, 250)


def half_red_half_blue(width: int = 64, height: int = 48) -> Image.Image:
    image = Image.new("RGB", (width, height), BLUE)
    image.paste(RED, (0, 0, width // 2, height))
    return image


def near(pixel: np.ndarray, colour: tuple[int, int, int], within: int = 12) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() <= within)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "gif", "bmp", "tiff", "avif", "heic"])
def test_every_format_gives_the_same_pixels(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"photo.{ending}"
    if ending == "heic":
        pillow_heif = pytest.importorskip(
            "pillow_heif", reason="needs HEIC; install it with: pip install 'pilah[heif]'"
        )
        pillow_heif.from_pillow(half_red_half_blue()).save(path)
    else:
        half_red_half_blue().save(path)
    image_rgb = load(path)
    assert image_rgb.shape == (48, 64, 3)
    assert image_rgb.dtype == np.uint8
    assert near(image_rgb[24, 8], RED)
    assert near(image_rgb[24, 56], BLUE)
    assert np.array_equal(load(path.read_bytes()), image_rgb)
    assert is_photo_name(path)


def test_pillow_images_and_pixels_are_photos_too() -> None:
    image = half_red_half_blue()
    assert np.array_equal(load(image), np.asarray(image))
    assert np.array_equal(load(np.asarray(image)), np.asarray(image))


def test_encoded_files_in_memory_are_photos_too() -> None:
    for photo in (bytearray(GOOD_JPEG), memoryview(GOOD_JPEG), io.BytesIO(GOOD_JPEG)):
        assert np.array_equal(load(photo), load(GOOD_JPEG))
    written = io.BytesIO()
    half_red_half_blue().save(written, "PNG")  # and it stands at its end
    assert np.array_equal(load(written), np.asarray(half_red_half_blue()))


def test_grey_and_transparent_pixels_are_photos_too() -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    for photo in (grey, grey[..., None], grey.T.copy().T):
        assert np.array_equal(load(photo), np.stack([grey] * 3, axis=-1))
    clear = np.zeros((2, 2, 4), np.uint8)
    clear[0, :, 3] = 255
    assert load(clear)[:, 0].tolist() == [[0] * 3, [255] * 3]


NO_PHOTOS = [
    *(42, None, True, 1.5, {}, object(), ["photo.jpg"], ("a.jpg", "b.jpg"), io.StringIO("text")),
    *(np.zeros((4, 4, 3)), np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), bool)),
    *(np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 2), np.uint8), np.zeros(9, np.uint8)),
    *(np.zeros((2, 4, 4, 3), np.uint8), np.zeros((4, 4), np.uint16), np.array("photo.jpg")),
]


@pytest.mark.parametrize("given", NO_PHOTOS, ids=lambda given: type(given).__name__)
def test_what_is_no_photo_raises_and_says_what_is_one(given: object) -> None:
    for take in (load, read, as_photo):
        with pytest.raises(PhotoTypeError, match=r"not a photo: .+; pass a path, ") as caught:
            take(given)
        assert isinstance(caught.value, TypeError) and not isinstance(caught.value, ImageError)
        assert all(word in str(caught.value) for word in ("BytesIO", "Pillow", "(h, w, 4)"))
        assert "\n" not in str(caught.value)


def test_what_is_a_photo_can_travel_to_another_process(tmp_path: Path) -> None:
    for photo in (
        *(tmp_path / "a.jpg", "a.jpg", b"x", bytearray(b"x"), memoryview(b"x"), io.BytesIO(b"x")),
        *(half_red_half_blue(), np.asarray(half_red_half_blue())),
    ):
        pickle.loads(pickle.dumps(as_photo(photo)))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("at_least", [None, 100])
def test_exif_orientation_is_undone(tmp_path: Path, orientation: int, at_least: int | None) -> None:
    upright = half_red_half_blue(480, 320)
    upright.paste((10, 250, 10), (0, 0, 240, 160))  # top left: the one corner that is green
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "photo.jpg", exif=exif)
    pixels = read(tmp_path / "photo.jpg", at_least=at_least)
    height, width = pixels.image_rgb.shape[:2]
    assert pixels.size_hw == (320, 480)
    assert (height, width) == ((320, 480) if at_least is None else (80, 120))
    assert near(pixels.image_rgb[height // 8, width // 8], (10, 250, 10))
    assert near(pixels.image_rgb[-height // 8, width // 8], RED)
    assert near(pixels.image_rgb[height // 8, -width // 8], BLUE)


def test_a_reduced_jpeg_keeps_at_least_what_was_asked_for(tmp_path: Path) -> None:
    half_red_half_blue(1001, 701).save(tmp_path / "photo.jpg")
    for at_least in (1, 99, 250, 500, 1001, 5000):
        pixels = read(tmp_path / "photo.jpg", at_least=at_least)
        assert pixels.size_hw == (701, 1001)
        assert min(at_least, 1001) <= max(pixels.image_rgb.shape) or at_least < 1001 / 8
    assert max(read(tmp_path / "photo.jpg", at_least=250).image_rgb.shape) < 300


def test_damaged_exif_does_not_lose_the_photo(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    half_red_half_blue().save(path, exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff" + b"\xff" * 40)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert near(load(path)[24, 8], RED)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    for grey16, grey8 in ((0, 0), (0x8000, 128), (0xFFFF, 255)):
        image = Image.fromarray(np.full((5, 7), grey16, np.uint16))
        for kind in ("TIFF", "PNG"):
            assert abs(int(load(saved(image, kind))[2, 2, 1]) - grey8) <= 1


@pytest.mark.parametrize(("full", "peak"), [(1.0, 0.5), (255.0, 127.5), (65535.0, 32767.5)])
def test_floats_are_scaled_by_the_usual_full_scale(full: float, peak: float) -> None:
    grey = np.array([[0.0, peak, full, np.nan]], np.float32)
    assert load(saved(Image.fromarray(grey), "TIFF"))[0, :, 0].tolist() == [0, 128, 255, 0]


def test_cmyk_palette_grey_and_bitmap_become_rgb() -> None:
    image = half_red_half_blue()
    assert near(load(saved(image.convert("CMYK"), "JPEG"))[24, 8], RED, within=30)
    assert near(load(saved(image.convert("P", palette=Image.Palette.ADAPTIVE), "PNG"))[24, 8], RED)
    assert load(saved(image.convert("L"), "PNG")).shape == (48, 64, 3)
    assert load(saved(Image.new("1", (3, 2), 1), "PNG")).tolist() == [[[255] * 3] * 3] * 2


def test_what_is_transparent_is_white() -> None:
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    half = Image.new("RGBA", (4, 4), (0, 0, 0, 128))
    palette = Image.new("P", (4, 4), 0)
    assert load(saved(clear, "PNG")).min() == 255
    assert abs(int(load(saved(half, "WEBP", lossless=True))[1, 1, 0]) - 127) <= 1
    assert load(saved(palette, "PNG", transparency=0)).min() == 255
    assert load(saved(palette, "PNG", transparency=bytes([0, 255]))).min() == 255
    assert load(saved(Image.new("LA", (4, 4), (0, 0)), "PNG")).min() == 255


def test_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.new("RGB", (8, 8), RED), Image.new("RGB", (8, 8), BLUE)]
    for kind in ("GIF", "WEBP", "TIFF", "PNG"):
        moving = saved(frames[0], kind, save_all=True, append_images=frames[1:])
        assert near(load(moving)[4, 4], RED)


def test_one_pixel_is_a_photo() -> None:
    assert load(saved(Image.new("RGB", (1, 1), RED), "PNG")).tolist() == [[list(RED)]]


def bomb() -> bytes:
    """A PNG whose header claims 20,000 by 20,000 pixels."""
    small = bytearray(saved(Image.new("1", (1, 1)), "PNG"))
    small[16:24] = (20_000).to_bytes(4, "big") * 2
    small[29:33] = zlib.crc32(bytes(small[12:29])).to_bytes(4, "big")
    return bytes(small)


GOOD_JPEG = saved(half_red_half_blue(), "JPEG")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"just some text", "not an image"),
        (GOOD_JPEG[: len(GOOD_JPEG) * 2 // 3], "cut off"),
        (saved(half_red_half_blue(), "PNG")[:60], "cut off|damaged"),
        (GOOD_JPEG[:20], "not an image|damaged|cut off"),
        (bomb(), "too large: more than 178 million pixels"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_bad_file_is_one_plain_line(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    for photo in (path, content):
        with pytest.raises(ImageError, match=reason) as caught:
            load(photo)
        assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_photo_of_200_megapixels_is_read_at_a_reduced_scale(tmp_path: Path) -> None:
    photo = Image.new("L", (16_320, 12_240), 40)
    photo.paste(240, (8_000, 6_000, 8_800, 7_200))
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.save(tmp_path / "photo.jpg", exif=exif)
    del photo
    for at_least, shape in ((None, (8160, 6120)), (9000, (8160, 6120)), (1280, (2040, 1530))):
        pixels = read(tmp_path / "photo.jpg", at_least=at_least)
        assert pixels.size_hw == (16_320, 12_240)
        assert pixels.image_rgb.shape == (*shape, 3)
    face = Box(12_240 - 7_200, 8_000, 12_240 - 6_000, 8_800)
    write_crop(str(tmp_path / "photo.jpg"), face, str(tmp_path / "crop.jpg"))
    with Image.open(tmp_path / "crop.jpg") as crop:
        assert crop.size == (1200, 1000)  # at half of its size, with half a side around it
        assert crop.getpixel((600, 500)) > (230,) * 3 and crop.getpixel((20, 20)) < (50,) * 3


@pytest.mark.parametrize("size", [(16_400, 16_400), (65_500, 65_500), (65_500, 4_200)])
def test_a_jpeg_larger_than_any_camera_s_is_refused(size: tuple[int, int]) -> None:
    data = bytearray(GOOD_JPEG)
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = size[1].to_bytes(2, "big") + size[0].to_bytes(2, "big")
    for at_least in (None, 100):
        with pytest.raises(ImageError, match="too large: more than 268 million pixels"):
            read(bytes(data), at_least=at_least)


def test_the_limit_is_that_of_the_message() -> None:
    assert MAX_PIXELS == 178_956_970 == 2 * (Image.MAX_IMAGE_PIXELS or 0)


@given(st.integers(0, len(GOOD_JPEG) - 1), st.binary(min_size=1, max_size=4))
def test_whatever_the_bytes_it_is_pixels_or_an_image_error(at: int, junk: bytes) -> None:
    try:
        image_rgb = load(GOOD_JPEG[:at] + junk + GOOD_JPEG[at + len(junk) :])
    except ImageError as error:
        assert str(error) and "\n" not in str(error)
    else:
        assert image_rgb.ndim == 3


def test_what_is_not_a_file_is_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")  # opening it would wait for ever
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    with socket.socket(socket.AF_UNIX) as unix:
        monkeypatch.chdir(tmp_path)  # a socket's path must be short
        unix.bind("s.jpg")
        for name, reason in {
            "pipe.jpg": "a pipe",
            "s.jpg": "a socket",
            ".": "a folder",
            "/dev/zero": "a device",
            "none.jpg": "no such file",
            "loop.jpg": "symbolic links",
        }.items():
            with pytest.raises(ImageError, match=reason):
                load(tmp_path / name)


def test_a_name_of_any_bytes_can_be_read(tmp_path: Path) -> None:
    for name in (b"new\nline.png", b"\xff\xfe.png", "🙂.png".encode(), b"x" * 200 + b".png"):
        path = os.path.join(os.fsencode(tmp_path), name)
        with open(path, "wb") as file:
            file.write(saved(half_red_half_blue(), "PNG"))
        assert load(os.fsdecode(path)).shape == (48, 64, 3)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(GOOD_JPEG)
    path.chmod(0)
    with pytest.raises(ImageError, match="no permission"):
        load(path)


def test_photo_names() -> None:
    assert is_photo_name("A.JPG") and is_photo_name(Path("b/c.Heic"))
    assert not is_photo_name("jpg") and not is_photo_name("notes.txt") and not is_photo_name("a.py")
