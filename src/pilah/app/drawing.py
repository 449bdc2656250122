"""Drawn on photos: a frame and a number for each face, and which of its parts count."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from pilah.answers import label_of
from pilah.images import read
from pilah.occlusion import Occlusion
from pilah.photo import Photo
from pilah.types import Box, Face, Label, Result

SIDE = 1200
"""Pixels of a preview's longer side: sharp on dense screens, light to keep."""

COLOURS = {"female": "#c3a9ff", "male": "#5fe0d6", None: "#ffc24b"}
"""On photos, as in report.html; distinct with every kind of colour vision, numbers beside."""

CHANGES = {"less": "#ff8c1a", "more": "#3d8bff"}
"""Where a part is covered, the model is less or more sure; told apart with every colour vision."""

FAINT = 0.05
"""A change of P(male) that is small: it is drawn pale, however small all others are."""

HALO = "#000000"
QUALITY = 85


@dataclass(frozen=True, slots=True)
class Seen:
    """One photo that was looked at: its name, its Result, and a small JPEG (None if unreadable)."""

    name: str
    result: Result
    preview_jpeg: bytes | None

    @property
    def faces(self) -> tuple[Face, ...]:
        """The faces from left to right, as they are numbered."""
        return tuple(sorted(self.result.faces, key=lambda face: face.box.left + face.box.right))

    def at_caution(self, min_confidence: float) -> "Seen":
        """The same photo, answered from this confidence upwards only."""
        faces = tuple(
            replace(face, label=label_of(face.p_male, min_confidence)) for face in self.result.faces
        )
        return replace(self, result=replace(self.result, faces=faces))


def preview(photo: Photo) -> bytes:
    """A small upright copy of a photo as JPEG.

    Raises:
        ImageError: the photo cannot be read.
    """
    image = Image.fromarray(read(photo, at_least=SIDE).image_rgb)
    image.thumbnail((SIDE, SIDE))
    return _jpeg(image)


def draw_faces(
    preview_jpeg: bytes,
    faces: tuple[Face, ...],
    size_hw: tuple[int, int],
    words: Sequence[str] = (),
) -> bytes:
    """Frame the faces on a preview of the photo of `size_hw`, and number several from 1.

    Args:
        preview_jpeg: from `preview`.
        faces: with boxes in pixels of the photo.
        size_hw: of the photo.
        words: to write beside each face, where there is room.

    Returns:
        A JPEG of the preview's size. What is written covers no face: a face beside which there is
        no room for even its number has none.
    """
    image = Image.open(BytesIO(preview_jpeg)).convert("RGB")
    draw = ImageDraw.Draw(image)
    scale = image.height / size_hw[0]
    line = max(2, round(max(image.size) / 320))
    boxes = _scaled(faces, scale)
    for face, box in zip(faces, boxes, strict=True):
        for outward, colour, width in ((line // 2, HALO, 2 * line), (0, COLOURS[face.label], line)):
            frame = (
                box.left - outward,
                box.top - outward,
                box.right + outward,
                box.bottom + outward,
            )
            draw.rounded_rectangle(frame, radius=3 * line, outline=colour, width=width)
    for tag in find_tags(draw, faces, scale, words):
        tag.draw(draw, COLOURS[tag.label])
    return _jpeg(image)


@dataclass(frozen=True, slots=True)
class Tag:
    """What is written beside a face of this label, in a font, and the rectangle that it fills."""

    label: Label | None
    text: str
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont
    box: Box

    def draw(self, draw: ImageDraw.ImageDraw, colour: str) -> None:
        """Draw it, black on a colour."""
        box = self.box
        draw.rectangle((box.left, box.top, box.right, box.bottom), fill=colour)
        middle = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
        draw.text(middle, self.text, font=self.font, fill=HALO, anchor="mm")


def find_tags(
    draw: ImageDraw.ImageDraw, faces: tuple[Face, ...], scale: float, words: Sequence[str]
) -> list[Tag]:
    """Where to write about each face of an image, `scale` times the size of the photo.

    No tag covers a face or another tag; a face beside which there is no room has none.
    """
    boxes = _scaled(faces, scale)
    taken, tags = list(boxes), []
    for number, (face, box) in enumerate(zip(faces, boxes, strict=True), start=1):
        texts = [str(number)] if len(faces) > 1 else []
        if words:
            texts.insert(0, f"{number}. {words[number - 1]}" if texts else words[0])
        if tag := _find_room(draw, texts, face.label, box, taken):
            tags.append(tag)
            taken.append(tag.box)
    return tags


def draw_change(occlusion: Occlusion) -> bytes:
    """Colour the parts of a face by what covering them does to the likelier label.

    Returns:
        A JPEG of the crop in grey, four times its size.
    """
    grey = Image.fromarray(occlusion.crop.image_rgb).convert("L").convert("RGB")
    gain = occlusion.change if occlusion.p_male >= 0.5 else -occlusion.change
    strength = np.abs(gain) / max(FAINT, float(np.abs(gain).max()))
    colours = [ImageColor.getrgb(CHANGES[kind]) for kind in ("more", "less")]
    colour = np.where(gain[..., None] >= 0, *np.array(colours, np.float32))
    alpha = 0.7 * strength[..., None]
    mixed = (1 - alpha) * np.asarray(grey) + alpha * colour
    image = Image.fromarray(mixed.round().astype(np.uint8))
    return _jpeg(image.resize((4 * image.width, 4 * image.height), Image.Resampling.BICUBIC))


def _scaled(faces: tuple[Face, ...], scale: float) -> list[Box]:
    boxes = [face.box for face in faces]
    return [
        Box(*(edge * scale for edge in (box.left, box.top, box.right, box.bottom))) for box in boxes
    ]


def _find_room(
    draw: ImageDraw.ImageDraw,
    texts: Sequence[str],
    label: Label | None,
    face: Box,
    taken: Sequence[Box],
) -> Tag | None:
    """The longest text, in the largest letters, that touches nothing taken; None if all do."""
    size_wh = draw.im.size
    largest = max(size_wh) / 36
    for text in texts:
        for height in (largest, largest / 1.5, largest / 2.2):
            font = ImageFont.load_default(size=max(9, height))
            left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
            wide, high = right - left + height / 2, bottom - top + height / 2
            for x, y in _places(face, wide, high):
                x = min(max(0, x), size_wh[0] - wide)
                tag = Tag(label, text, font, Box(x, y, x + wide, y + high))
                if 0 <= y <= size_wh[1] - high and not any(_touch(tag.box, box) for box in taken):
                    return tag
    return None


def _places(face: Box, wide: float, high: float) -> Iterator[tuple[float, float]]:
    """Where a tag may begin: above the face, below it, then at its sides."""
    away = 4.0
    for y in (face.top - high - away, face.bottom + away):
        yield from (
            (x, y) for x in (face.left, (face.left + face.right - wide) / 2, face.right - wide)
        )
    for x in (face.right + away, face.left - wide - away):
        yield from ((x, y) for y in (face.top, face.bottom - high))


def _touch(one: Box, other: Box) -> bool:
    return (
        one.left < other.right
        and other.left < one.right
        and one.top < other.bottom
        and other.top < one.bottom
    )


def _jpeg(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
