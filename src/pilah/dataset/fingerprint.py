"""How two images are compared: a digest of its pixels, and a hash of what it looks like.

Images are decoded in full, so that a truncated one is found here and not during a training.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import imagehash
from PIL import Image

from pilah.errors import ImageError
from pilah.images import load

# Starting processes takes longer than hashing so few images in this one.
FEW = 500


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`pixels` is the sha256 of size and RGB values, `look` a 64-bit perceptual hash (DCT).

    Where the image cannot be used both are empty, and `problem` says why.
    """

    pixels: bytes = b""
    look: int = 0
    problem: str = ""


def fingerprint(path: str) -> Fingerprint:
    """Decode and hash one image; a problem is returned, not raised."""
    if not os.path.lexists(path):
        return Fingerprint(problem="listed but missing")
    try:
        image = Image.fromarray(load(path))
    except (ImageError, OSError) as error:
        return Fingerprint(problem=str(error))
    pixels = hashlib.sha256(f"{image.size}".encode() + image.tobytes()).digest()
    return Fingerprint(pixels, look=int(str(imagehash.phash(image)), 16))


def fingerprints(paths: Sequence[str]) -> Iterator[Fingerprint]:
    """Hash many images on every core, in the order given."""
    if len(paths) <= FEW:
        yield from map(fingerprint, paths)
        return
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        yield from pool.map(fingerprint, paths, chunksize=64)
