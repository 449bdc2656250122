"""What may be given as a photo."""

import os
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pilah.errors import PhotoTypeError

PlainPhoto = str | os.PathLike[str] | bytes | Image.Image | NDArray[np.uint8]
Photo = PlainPhoto | bytearray | memoryview | BytesIO
ORIENTATION = 0x0112
"""The EXIF tag that says how a photo is turned."""

ACCEPTED = (
    "a path, an encoded file (bytes, bytearray, memoryview or BytesIO), a Pillow image, or uint8 "
    "pixels: grey (h, w), RGB (h, w, 3) or RGBA (h, w, 4)"
)
"""What can be read, as a type and in words."""


def as_photo(given: object) -> PlainPhoto:
    """Check what a caller passed as a photo; return it in a form that another process can take.

    Raises:
        PhotoTypeError: it is not a photo; the message lists what is accepted.
    """
    match given:
        case bytearray() | memoryview():
            return bytes(given)
        case BytesIO():
            return given.getvalue()
        case np.ndarray() if not _is_picture(given):
            raise PhotoTypeError(f"an array of {given.dtype}, shape {given.shape}", ACCEPTED)
        case os.PathLike():  # its class may be defined where a worker cannot import it
            return os.fsdecode(given)
        case np.ndarray():  # so may an array's
            return np.asarray(given)
        case Image.Image():
            return _with_orientation(given)
        case str() | bytes():
            return given
        case _:
            raise PhotoTypeError(f"{type(given).__name__} {_short(given)}", ACCEPTED)


def _with_orientation(image: Image.Image) -> Image.Image:
    """An image whose orientation travels with it: one that was set in memory would not."""
    if "exif" in image.info or image.format == "TIFF" or ORIENTATION not in image.getexif():
        return image
    copy = image.copy()
    copy.info["exif"] = image.getexif().tobytes()
    return copy


def _is_picture(pixels: NDArray[Any]) -> bool:
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    return (
        pixels.dtype == np.uint8
        and pixels.ndim in (2, 3)
        and channels in (1, 3, 4)
        and pixels.size > 0
    )


def _short(given: object) -> str:
    text = " ".join(repr(given).split())
    return text if len(text) <= 40 else f"{text[:37]}..."
