"""Boxes on photos: a small copy of a photo on which each face is framed and numbered."""

from dataclasses import dataclass, replace
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from pilah.answers import label_of
from pilah.images import Photo, read
from pilah.types import Face, Result

SIDE = 1200
"""Pixels of a preview's longer side: sharp on dense screens, light to keep."""

COLOURS = {"female": "#c3a9ff", "male": "#5fe0d6", None: "#ffc24b"}
"""On photos, as in report.html; told apart with every kind of colour vision, numbers beside."""

HALO = "#000000"
QUALITY = 85


@dataclass(frozen=True, slots=True)
class Seen:
    """One photo that was looked at: its name, its Result, and a small JPEG (None if unreadable)."""

    name: str
    result: Result
    preview_jpeg: bytes | None

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


def draw_faces(preview_jpeg: bytes, faces: tuple[Face, ...], size_hw: tuple[int, int]) -> bytes:
    """Frame and number the faces on a preview of the photo of `size_hw`, which their boxes count.

    Returns:
        A JPEG of the preview's size; the numbers follow the order of `faces`, from 1.
    """
    image = Image.open(BytesIO(preview_jpeg)).convert("RGB")
    draw = ImageDraw.Draw(image)
    scale = image.height / size_hw[0]
    line = max(3, round(max(image.size) / 240))
    font = ImageFont.load_default(size=max(16, round(max(image.size) / 32)))
    for number, face in enumerate(faces, start=1):
        box = face.box
        left, top, right, bottom = (
            edge * scale for edge in (box.left, box.top, box.right, box.bottom)
        )
        for outward, colour, width in ((line // 2, HALO, 2 * line), (0, COLOURS[face.label], line)):
            frame = (left - outward, top - outward, right + outward, bottom + outward)
            draw.rounded_rectangle(frame, radius=3 * line, outline=colour, width=width)
        if len(faces) > 1:
            _draw_number(draw, str(number), (max(0, left), max(0, top)), font, COLOURS[face.label])
    return _jpeg(image)


def _draw_number(
    draw: ImageDraw.ImageDraw,
    text: str,
    at_xy: tuple[float, float],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    colour: str,
) -> None:
    left, top, right, bottom = draw.textbbox(at_xy, text, font=font)
    margin = (bottom - top) / 2
    draw.rectangle((left, top, right + 2 * margin, bottom + 2 * margin), fill=colour)
    draw.text((at_xy[0] + margin, at_xy[1] + margin), text, font=font, fill=HALO)


def _jpeg(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()
