"""RAW files are read by the preview inside; here in a DNG that is made for the test."""

import io
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pilah.errors import ImageError
from pilah.images import load, read

RED, BLUE = (250, 10, 10), (10, 10, 250)
Tag = tuple[int, int, int, bytes]


def shorts(tag: int, *values: int) -> Tag:
    return tag, 3, len(values), struct.pack(f"<{len(values)}H", *values)


def longs(tag: int, *values: int) -> Tag:
    return tag, 4, len(values), struct.pack(f"<{len(values)}I", *values)


def text(tag: int, value: str) -> Tag:
    return tag, 2, len(value) + 1, value.encode() + b"\0"


def table(tags: list[Tag], at: int) -> bytes:
    """TIFF tags that stand at an offset, longer values after them."""
    head, more = struct.pack("<H", len(tags)), b""
    after = at + 2 + 12 * len(tags) + 4
    for tag, kind, count, value in sorted(tags):
        if len(value) > 4:
            value, more = struct.pack("<I", after + len(more)), more + value
        head += struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")
    return head + bytes(4) + more


def picture(size: tuple[int, int]) -> Image.Image:
    image = Image.new("RGB", size, BLUE)
    image.paste(RED, (0, 0, size[0] // 2, size[1] // 2))
    return image


def dng(orientation: int = 1) -> bytes:
    """A small copy first, as cameras write it; then the sensor's values; then the preview."""
    small, large = picture((16, 12)).tobytes(), io.BytesIO()
    picture((320, 240)).save(large, "JPEG", quality=95)
    jpeg, sensor = large.getvalue(), np.full((48, 64), 2000, "<u2").tobytes()

    def tables(at: dict[str, int]) -> tuple[bytes, ...]:
        first = [
            *(longs(254, 1), longs(256, 16), longs(257, 12), shorts(258, 8, 8, 8), shorts(259, 1)),
            *(shorts(262, 2), text(271, "Acme"), text(272, "One"), longs(273, at["small"])),
            *(shorts(274, orientation), shorts(277, 3), longs(278, 12), longs(279, len(small))),
            longs(330, at["second"], at["third"]),
            *((50706, 1, 4, b"\1\4\0\0"), (50707, 1, 4, b"\1\1\0\0"), text(50708, "Acme One")),
        ]
        second = [
            *(longs(254, 0), longs(256, 64), longs(257, 48), shorts(258, 16), shorts(259, 1)),
            *(shorts(262, 32803), longs(273, at["sensor"]), shorts(277, 1), longs(278, 48)),
            *(longs(279, len(sensor)), shorts(33421, 2, 2), (33422, 1, 4, b"\0\1\1\2")),
        ]
        third = [
            *(longs(254, 1), longs(256, 320), longs(257, 240), shorts(258, 8, 8, 8)),
            *(shorts(259, 7), shorts(262, 6), longs(273, at["jpeg"]), shorts(277, 3)),
            *(longs(278, 240), longs(279, len(jpeg))),
        ]
        return table(first, 8), table(second, at["second"]), table(third, at["third"])

    names = ("first", "second", "third", "small", "sensor", "jpeg")
    at = dict.fromkeys(names, 0)
    for _ in range(2):  # where all stands is known once all lengths are
        parts = (*tables(at), small, sensor, jpeg)
        for index, name in enumerate(names):
            at[name] = 8 + sum(map(len, parts[:index]))
    return b"II*\0" + struct.pack("<I", 8) + b"".join((*tables(at), small, sensor, jpeg))


@pytest.fixture
def rawpy() -> None:
    pytest.importorskip("rawpy", reason="rawpy is not installed: pip install '.[raw]'")


@pytest.mark.usefixtures("rawpy")
@pytest.mark.parametrize(
    ("orientation", "size_hw", "red"),
    [(1, (240, 320), (20, 20)), (3, (240, 320), (220, 300)), (6, (320, 240), (20, 220))],
)
def test_the_largest_preview_is_read_upright(
    tmp_path: Path, orientation: int, size_hw: tuple[int, int], red: tuple[int, int]
) -> None:
    (tmp_path / "photo.dng").write_bytes(dng(orientation))
    pixels = read(tmp_path / "photo.dng")
    assert pixels.size_hw == size_hw
    assert np.abs(pixels.image_rgb[red].astype(int) - RED).max() < 20
    assert max(read(dng(orientation), at_least=80).image_rgb.shape) == 80


@pytest.mark.usefixtures("rawpy")
def test_a_damaged_raw_file_is_one_plain_line() -> None:
    for data in (dng()[:600], dng()[:-3000], b"FUJIFILMCCD-RAW 0201" + bytes(200)):
        with pytest.raises(ImageError) as caught:
            load(data)
        assert "\n" not in str(caught.value)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(ImageError, match=r"a RAW photo; .*pip install 'pilah\[raw\]'"):
        load(dng())


def test_a_tiff_of_a_camera_is_no_raw_file() -> None:
    out = io.BytesIO()
    picture((64, 48)).save(out, "TIFF", tiffinfo={271: "Acme", 272: "One", 254: 0})
    assert load(out.getvalue()).shape == (48, 64, 3)
