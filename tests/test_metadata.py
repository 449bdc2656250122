"""Metadata neither costs a photo nor turns it, whatever is in it and in which kind of file."""

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pilah.errors import ImageError
from pilah.images import load, read

WIDTH, HEIGHT = 48, 32
XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>'

SHORT, LONG, ASCII, BYTE, RATIONAL, SIGNED_RATIONAL = 3, 4, 2, 1, 5, 10


def picture() -> Image.Image:
    """As it is stored: red at the top left, blue elsewhere."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (10, 10, 250))
    image.paste((250, 10, 10), (0, 0, WIDTH // 2, HEIGHT // 2))
    return image


def saved(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture().save(out, kind, **options)
    return out.getvalue()


def exif_of(*tags: tuple[int, int, int, bytes], order: str = ">") -> bytes:
    """EXIF of (tag, type, count, value of up to 4 bytes)."""
    mark = b"MM\0*" if order == ">" else b"II*\0"
    entries = b"".join(
        struct.pack(f"{order}HHI", *tag[:3]) + tag[3].ljust(4, b"\0") for tag in tags
    )
    table = struct.pack(f"{order}H", len(tags)) + entries + bytes(4)
    return b"Exif\0\0" + mark + struct.pack(f"{order}I", 8) + table


def oriented(value: int, kind: int = SHORT, order: str = ">") -> tuple[int, int, int, bytes]:
    packed = struct.pack(order + {SHORT: "H", LONG: "I", BYTE: "B"}[kind], value)
    return (0x0112, kind, 1, packed)


UNWRITABLE = [
    (0x0112, SHORT, 1, b"\0\6"),
    (0x011A, ASCII, 4, b"high"),  # a resolution that is a word
    (0x8825, LONG, 1, b"\xff\xff\xff\xff"),  # GPS far outside the file
    (0x9204, SIGNED_RATIONAL, 1, b"\xff\xff\xff\xf0"),
    (0xEA1C, 99, 7, b"what"),  # a type that is none
]
DAMAGED = {
    "tags that cannot be written back": exif_of(*UNWRITABLE),
    "cut off after the orientation": exif_of(*UNWRITABLE)[: 6 + 8 + 2 + 12],
    "more tags than there are": exif_of(oriented(6)).replace(b"\0\1\1\x12", b"\xff\xff\1\x12"),
}


def jpeg_with(*segments: tuple[int, bytes]) -> bytes:
    parts = [struct.pack(">BBH", 0xFF, kind, len(body) + 2) + body for kind, body in segments]
    return b"\xff\xd8" + b"".join(parts) + saved("JPEG", quality=95)[2:]


def chunk(kind: bytes, body: bytes, checksum: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def png_with(*chunks: bytes) -> bytes:
    plain = saved("PNG")
    return plain[:33] + b"".join(chunks) + plain[33:]


def webp_with(kind: bytes, body: bytes, flag: int) -> bytes:
    plain = saved("WEBP", lossless=True)
    wide = struct.pack("<I", WIDTH - 1)[:3] + struct.pack("<I", HEIGHT - 1)[:3]
    vp8x = b"VP8X" + struct.pack("<I", 10) + bytes([flag, 0, 0, 0]) + wide
    more = kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    content = b"WEBP" + vp8x + plain[12:] + more
    return b"RIFF" + struct.pack("<I", len(content)) + content


WITH_EXIF: dict[str, Callable[[bytes], bytes]] = {
    "JPEG": lambda exif: jpeg_with((0xE1, exif)),
    "PNG": lambda exif: png_with(chunk(b"eXIf", exif[6:])),
    "PNG, as a text": lambda exif: png_with(
        chunk(
            b"zTXt",
            b"Raw profile type exif\0\0"
            + zlib.compress(b"\nexif\n%8d\n" % len(exif) + exif.hex().encode()),
        )
    ),
    "WebP": lambda exif: webp_with(b"EXIF", exif, 0x08),
}
with_exif = pytest.mark.parametrize("write", WITH_EXIF.values(), ids=WITH_EXIF.keys())


def is_turned(image_rgb: np.ndarray) -> bool:
    """Whether it was turned as orientation 6 wants; the corner that is red shows it."""
    turned = image_rgb.shape[:2] == (WIDTH, HEIGHT)
    corner = image_rgb[4, -5] if turned else image_rgb[4, 4]
    assert image_rgb.shape[:2] in ((WIDTH, HEIGHT), (HEIGHT, WIDTH))
    assert np.abs(corner.astype(int) - (250, 10, 10)).max() < 25
    return turned


@with_exif
@pytest.mark.parametrize("exif", DAMAGED.values(), ids=DAMAGED.keys())
@pytest.mark.parametrize("at_least", [None, 20])
def test_what_is_damaged_beside_the_orientation_changes_nothing(
    write: Callable[[bytes], bytes], exif: bytes, at_least: int | None
) -> None:
    pixels = read(write(exif), at_least=at_least)
    assert pixels.size_hw == (WIDTH, HEIGHT)
    assert at_least or is_turned(pixels.image_rgb)


@with_exif
@pytest.mark.parametrize(
    ("tag", "turned"),
    [
        (oriented(6), True),
        (oriented(6, LONG), True),
        (oriented(6, BYTE), True),
        ((0x0112, SHORT, 2, b"\0\6\0\1"), True),
        (oriented(1), False),
        (oriented(0), False),
        (oriented(9), False),
        (oriented(65535), False),
        ((0x0112, ASCII, 2, b"6"), False),
        ((0x0112, RATIONAL, 1, b"\0\0\0\x08"), False),
    ],
)
def test_only_an_orientation_that_exists_turns(
    write: Callable[[bytes], bytes], tag: tuple[int, int, int, bytes], turned: bool
) -> None:
    assert is_turned(load(write(exif_of(tag)))) is turned


@with_exif
def test_both_byte_orders_are_read(write: Callable[[bytes], bytes]) -> None:
    assert is_turned(load(write(exif_of(oriented(6, SHORT, "<"), order="<"))))


@pytest.mark.parametrize(
    "write",
    [
        lambda xmp: jpeg_with((0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp)),
        lambda xmp: png_with(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)),
        lambda xmp: png_with(chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp))),
        lambda xmp: webp_with(b"XMP ", xmp, 0x04),
    ],
    ids=["JPEG", "PNG", "PNG, packed", "WebP"],
)
def test_xmp_says_which_way_is_up_where_exif_does_not(write: Callable[[bytes], bytes]) -> None:
    assert is_turned(load(write(XMP % 6)))
    assert not is_turned(load(write(XMP % 9)))


def test_exif_is_believed_before_xmp() -> None:
    xmp = (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP % 6)
    assert not is_turned(load(jpeg_with(xmp, (0xE1, exif_of(oriented(1))))))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_image_of_pillow_is_turned_too() -> None:
    exif = exif_of(*UNWRITABLE)
    for data in (jpeg_with((0xE1, exif)), png_with(chunk(b"eXIf", exif[6:]))):
        assert is_turned(load(Image.open(io.BytesIO(data))))
    in_memory = picture()
    in_memory.getexif()[0x0112] = 6
    assert is_turned(load(in_memory))


def tiff_with(*tags: tuple[int, int, int, bytes]) -> bytes:
    """An uncompressed TIFF whose first tags are these."""
    plain = saved("TIFF")
    order = "<" if plain[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", plain, 4)
    (count,) = struct.unpack_from(f"{order}H", plain, start)
    more = b"".join(struct.pack(f"{order}HHI", *tag[:3]) + tag[3].ljust(4, b"\0") for tag in tags)
    table = more + plain[start + 2 : start + 2 + 12 * count] + bytes(4)
    head = plain[:4] + struct.pack(f"{order}I", len(plain)) + plain[8:]
    return head + struct.pack(f"{order}H", count + len(tags)) + table


@pytest.mark.parametrize(
    "tags",
    [
        [(0x011A, ASCII, 4, b"high"), (0x011B, ASCII, 4, b"high"), (0x0128, SHORT, 1, b"\3\0")],
        [(0x8773, ASCII, 4, b"none")],
        [(0x8769, LONG, 1, b"\xff\xff\xff\xff"), (0x02BC, ASCII, 900, b"\xff\xff\xff\xff")],
        [(0x0112, ASCII, 2, b"6")],
        [(0xEA1C, 99, 7, b"what")],
    ],
)
def test_a_tag_that_pixels_do_not_need_costs_no_tiff(
    tags: list[tuple[int, int, int, bytes]],
) -> None:
    assert not is_turned(load(tiff_with(*tags)))


def test_a_tiff_is_turned_once() -> None:
    assert is_turned(load(tiff_with((0x0112, SHORT, 1, b"\6\0"))))
    assert is_turned(load(Image.open(io.BytesIO(tiff_with((0x0112, SHORT, 1, b"\6\0"))))))


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_heic_and_avif_are_turned_by_their_own_property_alone(kind: str) -> None:
    """Pillow and pillow_heif write the orientation of EXIF as that property."""
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "x" * 80
    turned = saved(kind, exif=exif.tobytes() if kind == "HEIF" else exif, quality=95)
    at = turned.index(b"Exif\0\0MM")
    again = turned[:at] + exif_of(oriented(8), UNWRITABLE[2]) + turned[at + 44 :]
    broken = turned[:at] + b"\xff" * 90 + turned[at + 90 :]
    for data in (turned, again, broken):
        assert len(data) == len(turned) and is_turned(load(data))


BIG = b"\0" * 3_000_000


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(b"zTXt", b"Comment\0\0" + zlib.compress(BIG))],
        [chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(BIG))],
        [chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + BIG)],
        [chunk(b"tEXt", b"Comment\0" + BIG)] * 30,
        [chunk(b"iCCP", b"icc\0\0" + zlib.compress(BIG))],
        [chunk(b"iCCP", b"icc\0\0" + b"not packed")],
        [chunk(b"iCCP", b"")],
        [chunk(b"iCCP", b"icc\0\0" + zlib.compress(BIG * 9))],
        [chunk(b"tEXt", b"Comment\0of a wrong checksum", 1)],
        [chunk(b"gAMA", b"x"), chunk(b"pHYs", b"x"), chunk(b"tIME", b""), chunk(b"cHRM", b"x")],
        [chunk(b"tRNS", b"x")],
        [chunk(b"tRNS", b"\0\1\0\2\0\3", 1)],
        [chunk(b"acTL", b"x"), chunk(b"fcTL", b"x"), chunk(b"fdAT", b"x")],
        [chunk(b"eXIf", b"")],
        [chunk(b"eXIf", b"MM\0*\xff\xff\xff\xff")],
        [chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n  2\nnot hex"))],
        [chunk(b"ruSt", b"nobody knows this")],
    ],
)
def test_no_chunk_without_pixels_costs_a_png(chunks: list[bytes]) -> None:
    assert np.array_equal(load(png_with(*chunks)), np.asarray(picture()))


@pytest.mark.parametrize(
    "segments",
    [
        [(0xE0, b"JFIF\0")],
        [(0xE0, b"JFXX\0\x10")],
        [(0xE1, b"Exif\0\0")],
        [(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff")],
        [(0xE1, b"Exif\0\0" + b"\xff" * 65_000)] * 8,
        [(0xE1, b"http://ns.adobe.com/xap/1.0/\0\xff")],
        [(0xE2, b"MPF\0MM\0*\0\0\0\x08\0\1\xb0\1\0\7\xff\xff\xff\xff\xff\xff\xff\xff")],
        [(0xE2, b"MPF\0II*\0\x08\0\0\0\0\0")],
        [(0xE2, b"ICC_PROFILE\0")],
        [(0xE2, b"ICC_PROFILE\0\1\1not a profile")],
        [(0xE2, b"ICC_PROFILE\0\2\5" + b"x" * 500)],
        [(0xED, b"Photoshop 3.0\x008BIM\x03\xed\0\0\0\0\xff\xff")],
        [(0xEE, b"Adobe")],
        [(0xFE, b"\xff" * 65_000)] * 40,
    ],
)
def test_no_segment_without_pixels_costs_a_jpeg(segments: list[tuple[int, bytes]]) -> None:
    assert np.array_equal(load(jpeg_with(*segments)), load(jpeg_with()))


def test_bytes_between_the_segments_of_a_jpeg_are_skipped() -> None:
    plain = jpeg_with()
    assert np.array_equal(load(plain[:2] + b"\0junk\xff\0\xff\xff" + plain[2:]), load(plain))


def test_what_follows_the_pixels_is_nothing() -> None:
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"):
        data = saved(kind)
        assert np.array_equal(load(data + b"a video of the same moment" * 99), load(data))


@pytest.mark.parametrize(
    ("kind", "body"), [(b"EXIF", b""), (b"EXIF", b"\xff" * 99), (b"XMP ", b"\xff"), (b"ICCP", b"x")]
)
def test_no_part_without_pixels_costs_a_webp(kind: bytes, body: bytes) -> None:
    data = webp_with(kind, body, 0x2C)
    assert np.array_equal(load(data), np.asarray(picture()))
    overlong = data.replace(kind + struct.pack("<I", len(body)), kind + b"\xff\xff\xff\x7f")
    assert np.array_equal(load(overlong), np.asarray(picture()))


@given(st.integers(0xE0, 0xEF), st.binary(max_size=60), st.integers(0, 5))
def test_whatever_a_segment_holds_the_pixels_of_a_jpeg_stay(
    kind: int, body: bytes, start: int
) -> None:
    tiff = b"MM\0*\0\0\0\x08"
    known = (b"Exif\0\0" + tiff, b"JFIF\0", b"MPF\0" + tiff, b"ICC_PROFILE\0", b"Photoshop 3.0\0")
    body = (*known, b"")[start] + body
    image_rgb = load(jpeg_with((kind, body)))
    assert sorted(image_rgb.shape) == [3, HEIGHT, WIDTH]


@given(st.from_regex(rb"[a-z][A-Za-z]{3}", fullmatch=True), st.binary(max_size=60))
def test_whatever_a_chunk_holds_the_pixels_of_a_png_stay(kind: bytes, body: bytes) -> None:
    image_rgb = load(png_with(chunk(kind, body)))
    assert sorted(image_rgb.shape) == [3, HEIGHT, WIDTH]


def test_what_pillow_logs_about_a_file_is_not_printed(tmp_path: Path) -> None:
    (tmp_path / "photo.tif").write_bytes(tiff_with((277, SHORT, 1, b"\xff\0")))
    code = "import sys; from pilah.images import read; read(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "photo.tif"], capture_output=True, text=True
    )
    assert done.stderr.splitlines()[-1].startswith("pilah.errors.ImageError: not an image")
    assert "samples per pixel" not in done.stderr


UPRIGHT = ["gps_below_sea.jpg", "negative_rational.jpg", "text_as_resolution.jpg"]
PLAIN = ["iccp.png", "ztxt.png", "xmp.png", "alpha0.bmp"]


def test_photos_that_other_tools_misread(shared: Path) -> None:
    cases = shared / "cases"
    for name in UPRIGHT:
        assert load(cases / name).shape == (270, 200, 3), name
    ours = [load(cases / name) for name in PLAIN]
    for name, image_rgb in zip(PLAIN, ours, strict=True):
        assert np.array_equal(image_rgb, ours[0]) and 100 < image_rgb.mean() < 200, name
    with pytest.raises(ImageError, match="separate planes"):
        load(cases / "planar16.tif")
