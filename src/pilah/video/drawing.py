"""Boxes and captions on the frames of a video, and the sheet that shows each track once."""

from collections.abc import Sequence
from fractions import Fraction
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pilah.types import Box, Label
from pilah.video.follow import Track
from pilah.video.tables import caption

COLOURS: dict[Label | None, str] = {"female": "#c3a9ff", "male": "#5fe0d6", None: "#ffc24b"}
"""As on photos in the report and the web app."""

INK = "#14161a"
CELL = 160
"""Pixels of a face on the sheet, with what is around it."""

AROUND = 0.4
BESIDE = 6
MOST_SHOWN = 300
"""Tracks on the sheet; the tables have all."""


class Canvas:
    """The pixels of one frame as they are shown, in the three planes that players want (YUV 4:2:0).

    Drawing there costs nothing for what is not drawn: a frame is not converted to RGB and back.
    """

    def __init__(self, planes: Sequence[NDArray[np.uint8]]) -> None:
        """Draw on brightness (h, w) and two colours (h / 2, w / 2), which are changed."""
        self._planes = planes
        self.size_hw = planes[0].shape[:2]

    def face(self, box: Box, label: Label | None, text: str) -> None:
        """Frame a face and caption it: above it, or below where there is no room."""
        height, width = self.size_hw
        line = 2 * max(1, round(min(height, width) / 480))
        left, right = (_even(min(max(x, 0), width)) for x in (box.left, box.right))
        top, bottom = (_even(min(max(y, 0), height)) for y in (box.top, box.bottom))
        if right - left < 2 * line or bottom - top < 2 * line:
            return
        colour = _yuv(COLOURS[label])
        self._fill(left, top, right, top + line, colour)
        self._fill(left, bottom - line, right, bottom, colour)
        self._fill(left, top, left + line, bottom, colour)
        self._fill(right - line, top, right, bottom, colour)
        words = _words(text, COLOURS[label], max(12, round(min(height, width) / 30)))
        high, wide = words.shape[:2]
        above = top - high if top >= high else min(bottom, _even(height - high))
        self._paste(max(0, min(left, _even(width - wide))), max(0, above), words)

    def _fill(
        self, left: int, top: int, right: int, bottom: int, colour_yuv: tuple[int, int, int]
    ) -> None:
        for index, plane in enumerate(self._planes):
            step = 1 if index == 0 else 2
            plane[top // step : bottom // step, left // step : right // step] = colour_yuv[index]

    def _paste(self, left: int, top: int, patch_yuv: NDArray[np.uint8]) -> None:
        for index, plane in enumerate(self._planes):
            step = 1 if index == 0 else 2
            place = plane[top // step :, left // step :]
            patch = patch_yuv[::step, ::step, index][: place.shape[0], : place.shape[1]]
            place[: patch.shape[0], : patch.shape[1]] = patch


def _even(pixels: float) -> int:
    return int(pixels) // 2 * 2


@cache
def _yuv(colour: str) -> tuple[int, int, int]:
    y, u, v = Image.new("RGB", (1, 1), colour).convert("YCbCr").tobytes()
    return y, u, v


@lru_cache(maxsize=256)
def _words(text: str, colour: str, size: int) -> NDArray[np.uint8]:
    """A caption as a patch of YUV, with even sides."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    edge = size // 4
    room = (_even(right - left) + 2 * edge + 2, _even(bottom - top) + 2 * edge + 2)
    image = Image.new("RGB", (_even(room[0]), _even(room[1])), colour)
    ImageDraw.Draw(image).text((edge - left, edge - top), text, INK, font)
    return np.asarray(image.convert("YCbCr"))


def portrait(pixels: NDArray[np.uint8], box: Box) -> Image.Image:
    """A face with what is around it, for the sheet."""
    side = (1 + 2 * AROUND) * max(box.width, box.height)
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    left, top = round(x - side / 2), round(y - side / 2)
    cut = Image.fromarray(pixels).crop((left, top, left + round(side), top + round(side)))
    return cut.resize((CELL, CELL), Image.Resampling.BICUBIC, reducing_gap=2.0)


def sheet(tracks: Sequence[Track], portraits: Sequence[Image.Image | None]) -> Image.Image:
    """All tracks on one picture: the best face of each, its number, label and times."""
    shown = list(zip(tracks, portraits, strict=False))[:MOST_SHOWN]
    columns = max(1, min(BESIDE, len(shown)))
    rows = max(1, -(-len(shown) // columns))
    gap, text = 12, 40
    room = (columns * (CELL + gap) + gap, rows * (CELL + text + gap) + gap)
    page = Image.new("RGB", (max(room[0], 2 * CELL), room[1]), "white")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(15)
    if not shown:
        draw.text((gap, gap), "no face was found", INK, font)
    for index, (track, face) in enumerate(shown):
        left = gap + index % columns * (CELL + gap)
        top = gap + index // columns * (CELL + text + gap)
        if face is not None:
            page.paste(face, (left, top))
        edge = (left, top, left + CELL - 1, top + CELL - 1)
        draw.rectangle(edge, outline=COLOURS[track.label], width=4)
        times = f"{_clock(track.start)} to {_clock(track.end)}"
        draw.text((left, top + CELL + 2), f"{caption(index + 1, track)}\n{times}", INK, font)
    return page


def _clock(time: Fraction) -> str:
    minutes, seconds = divmod(float(time), 60)
    return f"{int(minutes)}:{seconds:04.1f}"
