"""Which formats are read, and which part of Pillow opens each."""

import logging
import os
from pathlib import PurePath
from typing import Any, BinaryIO

from PIL import Image, JpegImagePlugin, UnidentifiedImageError

from pilah.errors import ImageError
from pilah.metadata import without_other_tags

SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".gif", ".bmp", ".dib"),
        *(".tif", ".tiff", ".avif", ".heic", ".heif"),
    }
)
"""File name endings, in lower case, of the formats that are read, RAW files aside."""

# What Pillow logs about a damaged file is in the error too; without a handler it would be printed.
logging.getLogger("PIL").addHandler(logging.NullHandler())

# Named, because Pillow would also run Ghostscript on what looks like EPS.
_FORMATS = ("PNG", "WEBP", "GIF", "BMP", "DIB", "AVIF")
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def is_photo_name(name: str | os.PathLike[str]) -> bool:
    """Whether a file's name ends like a photo's."""
    return PurePath(name).suffix.lower() in SUFFIXES


def open_image(file: BinaryIO) -> Image.Image:
    """Open a photo's file by its first bytes, without decoding its pixels.

    Raises:
        ImageError: the format needs what is not installed, or would be decoded to noise.
        Exception: whatever Pillow raises about a file that it cannot read.
    """
    head = file.read(12)
    file.seek(0)
    if head.startswith(b"\xff\xd8"):
        # not through Image.open: a JPEG of more than MAX_PIXELS can be decoded at a reduced scale
        return JpegImagePlugin.JpegImageFile(file)
    if head[:4] in _TIFF:
        return _identify_tiff(file)
    formats = [name for name in _FORMATS if name in _installed_formats()]
    try:
        return Image.open(file, formats=formats)
    except UnidentifiedImageError:
        if head[4:8] != b"ftyp" or head[8:12] not in _HEIF_BRANDS:
            raise
    try:
        import pillow_heif
    except ImportError:
        raise ImageError("a HEIC photo; to read it, run: pip install 'pilah[heif]'") from None
    pillow_heif.register_heif_opener()
    return Image.open(file, formats=["HEIF"])


def _identify_tiff(file: BinaryIO) -> Image.Image:
    try:
        image = Image.open(file, formats=["TIFF"])
    except (Image.DecompressionBombError, MemoryError):
        raise
    except Exception:  # a tag that Pillow does not understand: without those that pixels don't need
        image = Image.open(without_other_tags(file), formats=["TIFF"])
    tags = image.tag_v2  # type: ignore[attr-defined]
    planes, packed, bits = tags.get(284, 1) == 2, tags.get(259, 1) != 1, tags.get(258, (1,))
    if planes and not packed and max(bits) > 8:
        raise ImageError(
            "a TIFF with 16 bits per channel in separate planes; save it with interleaved channels"
        )
    return image


def _installed_formats() -> dict[str, Any]:
    Image.init()
    return Image.OPEN
