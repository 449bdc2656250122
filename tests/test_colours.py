"""A photo's colours become sRGB, by the profile that its file carries."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from pilah.images import load
from pilah.sorting.crops import write_crop
from pilah.types import Box

STORED, SRGB = (183, 73, 60), (200, 60, 50)
"""One colour, in Display P3 and in sRGB."""

P3 = ((0.5151, 0.2412, -0.0011), (0.2919, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
"""Red, green and blue of Display P3, in XYZ of white D50."""
SRGB_PRIMARIES = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))


def profile(space: bytes, colourants: tuple[tuple[float, ...], ...], curve: bytes) -> bytes:
    """A small ICC profile, version 2: a matrix and one curve, or a curve for grey."""

    def xyz(values: tuple[float, ...]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    title = b"desc\0\0\0\0" + struct.pack(">I", 2) + b"p\0" + bytes(78)
    tags = {b"desc": title, b"cprt": b"text\0\0\0\0none\0", b"wtpt": xyz((0.9642, 1.0, 0.8249))}
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    for name, colourant in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colourants, strict=False):
        tags[name] = xyz(colourant)
        tags[name[:1] + b"TRC"] = curve
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        content = content.ljust(-(-len(content) // 4) * 4, b"\0")
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(content))
        body += content
    head = struct.pack(
        ">I4sI4s4s4s",
        132 + 12 * len(tags) + len(body),
        b"",
        0x02100000,
        b"mntr",
        space,
        b"XYZ ",
    )
    head = head.ljust(36, b"\0") + b"acsp"
    head = head.ljust(68, b"\0") + struct.pack(">iii", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + body


def gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(value * 256), 0)


def srgb_curve() -> bytes:
    steps = np.linspace(0, 1, 1024)
    light = np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)
    return b"curv\0\0\0\0" + struct.pack(">I1024H", 1024, *np.round(light * 65535).astype(int))


DISPLAY_P3 = profile(b"RGB ", P3, srgb_curve())
DARK_GREY = profile(b"GRAY", (), gamma(1.0))


def patch(mode: str = "RGB") -> Image.Image:
    return Image.new("RGB", (32, 32), STORED).convert(mode)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def middle(photo: bytes | Image.Image) -> tuple[int, ...]:
    return tuple(load(photo)[16, 16].tolist())


def near(found: tuple[int, ...], wanted: tuple[int, ...], within: int = 3) -> bool:
    return max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= within


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_every_format_that_carries_a_profile_is_converted(kind: str) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    options = {"WEBP": {"lossless": True}, "AVIF": {"quality": 100}, "HEIF": {"quality": 100}}
    data = saved(patch(), kind, icc_profile=DISPLAY_P3, **options.get(kind, {}))
    assert near(middle(data), SRGB, within=5)
    assert near(middle(Image.open(io.BytesIO(data))), SRGB, within=5)


def test_a_long_profile_in_many_segments_of_a_jpeg_is_read_whole() -> None:
    long = DISPLAY_P3 + bytes(200_000)
    long = struct.pack(">I", len(long)) + long[4:]
    assert near(middle(saved(patch(), "JPEG", icc_profile=long)), SRGB)


def test_palette_and_transparency_keep_their_colours() -> None:
    palette = patch().convert("P", palette=Image.Palette.ADAPTIVE)
    assert near(middle(saved(palette, "PNG", icc_profile=DISPLAY_P3)), SRGB)
    clear = patch("RGBA")
    clear.putalpha(128)
    half = tuple(round((c + 255) / 2) for c in SRGB)
    assert near(middle(saved(clear, "PNG", icc_profile=DISPLAY_P3)), half)
    assert near(middle(saved(patch("RGBA"), "TIFF", icc_profile=DISPLAY_P3)), SRGB)


def test_grey_by_a_grey_profile() -> None:
    grey = Image.new("L", (32, 32), 55)
    for image in (grey, grey.convert("LA"), grey.convert("I;16").point(lambda v: v * 257)):
        found = middle(saved(image, "PNG", icc_profile=DARK_GREY))
        assert near(found, (128, 128, 128)), image.mode
    assert near(middle(saved(grey, "PNG", icc_profile=DISPLAY_P3)), (55, 55, 55))


@pytest.mark.parametrize(
    "icc",
    [
        b"",
        b"not a profile",
        DISPLAY_P3[:200],
        DISPLAY_P3[:132] + b"\xff" * 200,
        DARK_GREY,
        ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        profile(b"RGB ", SRGB_PRIMARIES, srgb_curve()),
    ],
    ids=["empty", "text", "cut off", "damaged", "of grey", "of Lab", "sRGB", "sRGB by others"],
)
def test_a_profile_that_says_nothing_of_use_changes_no_pixel(icc: bytes) -> None:
    for kind in ("PNG", "TIFF"):
        assert middle(saved(patch(), kind, icc_profile=icc)) == STORED


def test_a_profile_of_rgb_is_not_for_cmyk() -> None:
    plain = saved(patch("CMYK"), "JPEG", quality=95)
    assert middle(saved(patch("CMYK"), "JPEG", quality=95, icc_profile=DISPLAY_P3)) == middle(plain)


def test_lab_is_converted() -> None:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    image = ImageCms.profileToProfile(patch(), srgb, lab, outputMode="LAB")
    assert near(middle(saved(image, "TIFF")), STORED)


def bmp(alphas: bytes) -> bytes:
    """A BMP one pixel wide whose header declares alpha, from the bottom row to the top."""
    blue, green, red = STORED[::-1]
    pixels = b"".join(bytes((blue, green, red, alpha)) for alpha in alphas)
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    head = struct.pack("<IiiHHIIiiII", 108, 1, len(alphas), 1, 32, 3, len(pixels), 0, 0, 0, 0)
    head = (head + masks).ljust(108, b"\0")
    return struct.pack("<2sIHHI", b"BM", 122 + len(pixels), 0, 0, 122) + head + pixels


def test_a_bmp_whose_alpha_is_not_in_use_is_opaque() -> None:
    assert load(bmp(b"\0\0"))[:, 0].tolist() == [list(STORED)] * 2
    assert load(bmp(b"\0\xff"))[:, 0].tolist() == [list(STORED), [255] * 3]


@pytest.mark.parametrize("mode", ["La", "RGBa", "HSV", "YCbCr", "PA", "RGBX"])
def test_every_mode_of_pillow_becomes_rgb(mode: str) -> None:
    grey = (120, 120, 120)
    base = {"La": "LA", "RGBa": "RGBA", "PA": "LA"}.get(mode, "RGB")
    image = Image.new("RGB", (32, 32), grey).convert(base).convert(mode)
    assert near(middle(image), grey)


def test_photos_with_a_profile_and_their_face_crops(shared: Path, tmp_path: Path) -> None:
    for name in ("p3.jpg", "prophoto.jpg"):
        photo = shared / "cases" / name
        assert near(tuple(load(photo)[10, 10].tolist()), SRGB)
        write_crop(str(photo), Box(20, 20, 60, 60), str(tmp_path / name))
        with Image.open(tmp_path / name) as crop:
            assert near(crop.getpixel((8, 8)), SRGB, within=6)
            assert "icc_profile" not in crop.info
