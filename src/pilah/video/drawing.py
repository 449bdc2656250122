"""Boxes and captions on the pixels of a video, and the sheet that shows each track once."""

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

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


def draw_face(pixels: NDArray[np.uint8], box: Box, label: Label | None, text: str) -> None:
    """Frame a face and caption it, in uint8 RGB (h, w, 3), which is changed.

    The caption stands above the face, or below where there is no room.
    """
    height, width = pixels.shape[:2]
    line = max(2, round(min(height, width) / 240))
    colour = ImageColor.getrgb(COLOURS[label])
    left, right = (int(min(max(x, 0), width)) for x in (box.left, box.right))
    top, bottom = (int(min(max(y, 0), height)) for y in (box.top, box.bottom))
    if right - left < 2 or bottom - top < 2:
        return
    for frame in (
        pixels[top : top + line, left:right],
        pixels[max(top, bottom - line) : bottom, left:right],
        pixels[top:bottom, left : left + line],
        pixels[top:bottom, max(left, right - line) : right],
    ):
        frame[:] = colour
    words = _words(text, COLOURS[label], max(12, round(min(height, width) / 30)))
    high = min(words.shape[0], height)
    above = top - high if top >= high else min(bottom, height - high)
    start = max(0, min(left, width - words.shape[1]))
    place = pixels[above : above + high, start : start + words.shape[1]]
    place[:] = words[:high, : place.shape[1]]


@lru_cache(maxsize=256)
def _words(text: str, colour: str, size: int) -> NDArray[np.uint8]:
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    edge = size // 4
    room = (int(right - left) + 2 * edge, int(bottom - top) + 2 * edge)
    image = Image.new("RGB", room, colour)
    ImageDraw.Draw(image).text((edge - left, edge - top), text, INK, font)
    return np.asarray(image)


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
