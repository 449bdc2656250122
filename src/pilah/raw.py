"""RAW files: beside the sensor's values a camera stores a finished picture, the preview.

LibRaw (the extra `raw`) finds the preview and knows how the camera was held.
"""

import struct
from io import BytesIO
from typing import BinaryIO

from PIL import Image

from pilah.errors import ImageError
from pilah.metadata import read_whole

SUFFIXES = frozenset(
    {
        *(".3fr", ".arw", ".cr2", ".cr3", ".dng", ".erf", ".iiq", ".nef", ".nrw", ".orf", ".pef"),
        *(".raf", ".rw2", ".rwl", ".srw"),
    }
)
"""File name endings of RAW files, in lower case."""

_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_MAGICS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"\0\0\0\x18ftypcrx ")
_SUBFILE, _PHOTOMETRIC, _MAKE, _OTHERS, _DNG_VERSION = 254, 262, 271, 330, 50706
_SENSOR = (32803, 34892)  # colours as a sensor's filter gives them, and linear ones

_ORIENTATIONS = {3: 3, 5: 8, 6: 6}
"""EXIF's name for each of LibRaw's turns."""


def is_raw(file: BinaryIO) -> bool:
    """Whether a file is RAW, by its first bytes and, as many are TIFF files, its first tags."""
    head = file.read(16)
    try:
        if head.startswith(_MAGICS) or head[8:10] == b"CR":
            return True
        order = _ORDERS.get(head[:4])
        return order is not None and _is_raw_tiff(file, order, head)
    except struct.error:  # cut off
        return False
    finally:
        file.seek(0)


def _is_raw_tiff(file: BinaryIO, order: str, head: bytes) -> bool:
    (start,) = struct.unpack_from(f"{order}I", head, 4)
    file.seek(start)
    (count,) = struct.unpack(f"{order}H", file.read(2))
    table = file.read(12 * count)
    tags = {}
    for at in range(0, len(table) - 11, 12):
        tag, kind = struct.unpack_from(f"{order}HH", table, at)
        (tags[tag],) = struct.unpack_from(f"{order}H" if kind == 3 else f"{order}I", table, at + 8)
    # what counts is elsewhere: the first picture is a small copy, of a camera's
    is_preview = tags.get(_SUBFILE) == 1 and _MAKE in tags and _OTHERS in tags
    return is_preview or _DNG_VERSION in tags or tags.get(_PHOTOMETRIC) in _SENSOR


def preview(file: BinaryIO) -> tuple[BinaryIO, dict[str, bytes]]:
    """The preview of a RAW file, as a file, and the EXIF block that says which way it is up.

    Raises:
        ImageError: the extra is not installed, or there is no preview.
    """
    try:
        import rawpy
    except ImportError:
        raise ImageError("a RAW photo; to read it, run: pip install 'pilah[raw]'") from None
    try:
        with rawpy.imread(BytesIO(read_whole(file))) as raw:
            found, turn = raw.extract_thumb(), raw.sizes.flip
    except rawpy.LibRawError as error:
        raise ImageError(f"a RAW photo whose preview cannot be read ({error})") from None
    up = b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0" + bytes([_ORIENTATIONS.get(turn, 1), 0, 0])
    if found.format is rawpy.ThumbFormat.JPEG:
        return BytesIO(found.data), {"exif": up}
    pixels = BytesIO()
    Image.fromarray(found.data).save(pixels, "BMP")
    pixels.seek(0)
    return pixels, {"exif": up}
