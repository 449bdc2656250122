"""A photo, however it comes, becomes upright RGB pixels, or one ImageError in plain words.

Only regular files are opened: a pipe could wait for ever, a device could be endless. The number of
pixels is read from the header and limited before anything is decoded.
"""

import os
import stat
import threading
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from pilah.errors import ImageError

Photo = str | os.PathLike[str] | bytes | Image.Image | NDArray[np.uint8]
"""What can be read: a path, an encoded file's bytes, a Pillow image, or RGB pixels (h, w, 3)."""

SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".gif", ".bmp", ".dib"),
        *(".tif", ".tiff", ".avif", ".heic", ".heif"),
    }
)
"""File name endings, in lower case, of the formats that `read` knows."""

MAX_PIXELS = 178_956_970
"""More pixels than this are refused: Pillow's own guard, so none of its settings need changing."""

# Named, because Pillow would also run Ghostscript on what looks like EPS.
_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF")
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class Pixels:
    """A decoded photo: `image_rgb` uint8 (h, w, 3), upright, and the full photo's `size_hw`.

    `image_rgb` is smaller than `size_hw` where the photo was decoded at a reduced scale.
    """

    image_rgb: NDArray[np.uint8]
    size_hw: tuple[int, int]


def is_photo_name(name: str | os.PathLike[str]) -> bool:
    """Whether a file's name ends like a photo's."""
    return PurePath(name).suffix.lower() in SUFFIXES


def load(photo: Photo) -> NDArray[np.uint8]:
    """The photo's upright pixels, uint8 RGB (h, w, 3), at full size.

    Raises:
        ImageError: the photo cannot be read.
    """
    return read(photo).image_rgb


def read(photo: Photo, *, at_least: int | None = None) -> Pixels:
    """Decode a photo; the first frame where it has several.

    Args:
        photo: see `Photo`.
        at_least: how many pixels the longer side must keep; a larger JPEG may then be decoded at
            1/2, 1/4 or 1/8 of its size, which is much faster. None decodes at full size.

    Raises:
        ImageError: the photo cannot be read; the text is the reason, without the path.
    """
    with _quiet:
        try:
            if isinstance(photo, np.ndarray):
                return _from_array(photo)
            if isinstance(photo, Image.Image):
                return _decode(photo, at_least=None)
            if not isinstance(photo, str | bytes | os.PathLike):
                raise ImageError(f"a {type(photo).__name__} is not a photo; give a path or pixels")
            with _open(photo) as image:
                return _decode(image, at_least=at_least)
        except ImageError:
            raise
        except Exception as error:  # Pillow's plugins raise whatever a damaged file provokes
            raise ImageError(_in_plain_words(error)) from None


def _from_array(pixels: NDArray[np.uint8]) -> Pixels:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ImageError(
            f"pixels of type {pixels.dtype} and shape {pixels.shape}; give uint8 RGB (h, w, 3)"
        )
    return Pixels(pixels, (pixels.shape[0], pixels.shape[1]))


def _open(photo: str | os.PathLike[str] | bytes) -> Image.Image:
    if isinstance(photo, bytes):
        source: Any = BytesIO(photo)
        head, size = photo[:12], len(photo)
    else:
        mode = os.stat(photo)
        if not stat.S_ISREG(mode.st_mode):
            raise ImageError(f"not a file but a {_kind(mode.st_mode)}")
        source, size = photo, mode.st_size
        with open(photo, "rb") as file:
            head = file.read(12)
    if not size:
        raise ImageError("empty file")
    formats = [name for name in _FORMATS if name in _installed_formats()]
    try:
        return Image.open(source, formats=formats)
    except UnidentifiedImageError:
        if head[4:8] != b"ftyp" or head[8:12] not in _HEIF_BRANDS:
            raise
    try:
        import pillow_heif
    except ImportError:
        raise ImageError("a HEIC photo; to read it, run: pip install 'pilah[heif]'") from None
    pillow_heif.register_heif_opener()
    return Image.open(source, formats=["HEIF"])


def _installed_formats() -> dict[str, Any]:
    Image.init()
    return Image.OPEN


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
    return kinds.get(stat.S_IFMT(mode), "device")


def _decode(image: Image.Image, *, at_least: int | None) -> Pixels:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise Image.DecompressionBombError
    if at_least is not None and max(width, height) > at_least:
        share = at_least / max(width, height)
        image.draft(None, (max(1, int(width * share)), max(1, int(height * share))))
    reduced = image.size != (width, height)
    try:
        sideways = image.getexif().get(_ORIENTATION) in (5, 6, 7, 8)
        upright = ImageOps.exif_transpose(image)
    except (OSError, MemoryError):
        raise  # of the pixels
    except Exception:  # damaged EXIF is no reason to lose the photo
        sideways, upright = False, image
    image_rgb = np.asarray(_to_rgb(upright))
    if not reduced:
        return Pixels(image_rgb, (image_rgb.shape[0], image_rgb.shape[1]))
    return Pixels(image_rgb, (width, height) if sideways else (height, width))


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        return Image.fromarray(_to_eight_bits(np.asarray(image, np.float64))).convert("RGB")
    if image.has_transparency_data:
        over = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over).convert("RGB")
    return image.convert("RGB")


def _to_eight_bits(grey: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Scale by the smallest usual full scale (1, 8, 16 or 32 bits) that holds every value."""
    grey = np.nan_to_num(grey, posinf=0.0, neginf=0.0)
    full = next((full for full in (1.0, 255.0, 65535.0) if grey.max() <= full), grey.max())
    return np.clip(grey * (255 / full), 0, 255).round().astype(np.uint8)


def _in_plain_words(error: Exception) -> str:
    text = " ".join(str(error).split())
    match error:
        case FileNotFoundError():
            return "no such file"
        case PermissionError():
            return "no permission to read it"
        case UnidentifiedImageError():
            return "not an image, or of a kind that is not supported"
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
