"""A photo, however it comes, becomes upright RGB pixels, or one ImageError in plain words.

Only regular files are opened: a pipe could wait for ever, a device could be endless. The number of
pixels is read from the header and limited before anything is decoded.
"""

import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pilah.colours import to_srgb
from pilah.errors import ImageError
from pilah.formats import is_photo_name, open_image
from pilah.metadata import orientation, separate
from pilah.photo import Photo, as_photo
from pilah.raw import is_raw, preview

__all__ = [
    "MAX_JPEG_PIXELS",
    "MAX_PIXELS",
    "Pixels",
    "is_photo_name",
    "load",
    "pixels_of",
    "read",
]

MAX_PIXELS = 178_956_970
"""More pixels than this are never decoded: Pillow's own guard, so its settings stay as they are."""
MAX_JPEG_PIXELS = 1 << 28
"""A JPEG of up to this many, a phone's 200 megapixels among them, is decoded at a reduced scale."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings an orientation of EXIF's upright; from 5 on the sides change places."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """A decoded photo: `image` of mode RGB, upright, sRGB; the full photo's `size_hw`.

    `image` is smaller than `size_hw` where the photo was decoded at a reduced scale. It stays
    Pillow's, which resizes and cuts it, for each way to an array and back is a copy. Its `info` is
    still the file's: write `image_rgb` to a file, not `image`.
    """

    image: Image.Image
    size_hw: tuple[int, int]

    @property
    def image_rgb(self) -> NDArray[np.uint8]:
        """The same pixels as uint8 (h, w, 3)."""
        return np.asarray(self.image)


def load(photo: Photo) -> NDArray[np.uint8]:
    """The photo's upright pixels, sRGB, uint8 (h, w, 3), at the largest size that `read` gives.

    Raises:
        ImageError: the photo cannot be read.
        PhotoTypeError: `photo` is not a `Photo`.
    """
    return read(photo).image_rgb


def read(photo: Photo, *, at_least: int | None = None) -> Pixels:
    """Decode a photo; the first frame where it has several.

    Args:
        photo: see `Photo`.
        at_least: how many pixels the longer side must keep; a larger JPEG may then be decoded at
            1/2, 1/4 or 1/8 of its size, which is much faster. None decodes at full size, or, where
            a JPEG has more than MAX_PIXELS, at half of it.

    Raises:
        ImageError: the photo cannot be read; the text is the reason, without the path.
        PhotoTypeError: `photo` is not a `Photo`: a mistake in the calling program.
    """
    plain = as_photo(photo)
    with _quiet:
        try:
            if isinstance(plain, np.ndarray):
                return _from_array(plain)
            if isinstance(plain, Image.Image):
                return _decode(plain, at_least=None)
            with _open(plain) as image:
                return _decode(image, at_least=at_least)
        except ImageError:
            raise
        except Exception as error:  # Pillow's plugins raise whatever a damaged file provokes
            raise ImageError(_in_plain_words(error)) from None


def pixels_of(photo: bytes) -> int:
    """How many pixels an encoded file says it has, before anything is decoded; 0 where it can't.

    What cannot be read passes: `read` will say better what it is.
    """
    with _quiet:
        try:
            with _open(photo) as image:
                return image.width * image.height
        except Image.DecompressionBombError:
            return MAX_PIXELS + 1
        except Exception:  # Pillow's plugins raise whatever a damaged file provokes
            return 0


def _from_array(pixels: NDArray[np.uint8]) -> Pixels:
    if pixels.ndim == 2 or pixels.shape[2] != 3:
        flat = pixels[..., 0] if pixels.shape[2:] == (1,) else pixels
        image = to_srgb(Image.fromarray(np.ascontiguousarray(flat)))
    else:
        image = Image.fromarray(pixels)
    return Pixels(image, (image.height, image.width))


@contextmanager
def _open(photo: str | os.PathLike[str] | bytes) -> Iterator[Image.Image]:
    if isinstance(photo, bytes):
        size = len(photo)
    else:
        status = os.stat(photo)
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(f"not a file but a {_kind(status.st_mode)}")
        size = status.st_size
    if not size:
        raise ImageError("empty file")
    with BytesIO(photo) if isinstance(photo, bytes) else open(photo, "rb") as file:
        picture, held = preview(file) if is_raw(file) else (file, {})
        pixels, info = separate(picture)
        with open_image(pixels) as image:
            image.info.update(info if orientation(info) else info | held)
            yield image


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
    return kinds.get(stat.S_IFMT(mode), "device")


def _decode(image: Image.Image, *, at_least: int | None) -> Pixels:
    width, height = image.size
    limit = MAX_JPEG_PIXELS if image.format == "JPEG" else MAX_PIXELS
    if width * height > limit:
        raise ImageError(f"too large: more than {limit // 1_000_000} million pixels")
    wanted = longer = max(width, height)
    if at_least is not None:
        wanted = min(wanted, at_least)
    if width * height > MAX_PIXELS:
        wanted = min(wanted, longer // 2)
    if wanted < longer:
        share = wanted / longer
        image.draft(None, (max(1, int(width * share)), max(1, int(height * share))))
    reduced = image.size != (width, height)
    said = _orientation(image)
    image_rgb = to_srgb(image)
    if said in _TURNS:
        image_rgb = image_rgb.transpose(_TURNS[said])
    image_rgb.load()  # before its file is closed
    if not reduced:
        return Pixels(image_rgb, (image_rgb.height, image_rgb.width))
    return Pixels(image_rgb, (width, height) if said >= 5 else (height, width))


def _orientation(image: Image.Image) -> int:
    """Which way is up, 1 to 8, by EXIF's count."""
    if image.format == "TIFF":
        return 1  # Pillow turns these as it decodes them
    found = orientation(image.info)
    if found is None and "exif" not in image.info:
        found = image.getexif().get(0x0112)  # a Pillow image's own, set in memory
    return found if found in _TURNS else 1


def _in_plain_words(error: Exception) -> str:
    text = " ".join(str(error).split())
    match error:
        case FileNotFoundError():
            return "no such file"
        case PermissionError():
            return "no permission to read it"
        case UnidentifiedImageError():
            return "not an image, or of a kind that is not supported"
        case ValueError() if "null byte" in text:
            return "not a path: it has a null byte"
        case Image.DecompressionBombError():
            return f"too large: more than {MAX_PIXELS // 1_000_000} million pixels"
        case MemoryError():
            return "too large for the memory of this machine"
        case OSError() if error.strerror:
            return f"cannot be opened: {error.strerror}"
        case _ if "truncated" in text.lower():
            return f"cut off: {text}"
        case _:
            return f"damaged: {text or type(error).__name__}"


class _Quiet:
    """Silences warnings while any thread decodes (`catch_warnings` alone would mix threads up)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._caught = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._caught.__exit__(None, None, None)


_quiet = _Quiet()
