"""Small pictures of the few photos that the page shows."""

import base64
import io

from PIL import Image

from pilah.errors import ImageError
from pilah.images import read

SIDE = 360
"""Pixels of a thumbnail's longer side: twice what the page shows, for dense screens."""


def thumbnail(*paths: str | None) -> str | None:
    """The first of `paths` that can be read, upright and small, as base64 JPEG.

    None where none can be read: a photo may have been moved away since the sort.
    """
    for path in filter(None, paths):
        try:
            small = Image.fromarray(read(path, at_least=SIDE).image_rgb)
        except ImageError:
            continue
        small.thumbnail((SIDE, SIDE))
        jpeg = io.BytesIO()
        small.save(jpeg, "JPEG", quality=80)
        return base64.b64encode(jpeg.getvalue()).decode()
    return None
