"""What a worker process does with one photo of a request."""

from pilah.api.limits import MAX_PIXELS
from pilah.api.problems import over
from pilah.errors import PilahError
from pilah.faces.extract import Extracted, Extractor
from pilah.images import pixels_of
from pilah.photo import Photo


def look(photo: Photo, *, extractor: Extractor, crops: bool) -> Extracted:
    """Find and crop the faces of an encoded file.

    Raises:
        Problem: it has more than `MAX_PIXELS`.
    """
    if not isinstance(photo, bytes):
        raise PilahError("not an encoded file")
    if pixels_of(photo) > MAX_PIXELS:
        raise over(
            "pixels",
            MAX_PIXELS,
            "pixels",
            f"a photo of more than {MAX_PIXELS // 1_000_000} million pixels; send a smaller one",
        )
    return extractor(photo, crops=crops)
