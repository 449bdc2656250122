"""How is each face of a photo cut out and written as a file of its own?"""

from pathlib import Path

from PIL import Image

from pilah.errors import ImageError
from pilah.images import load
from pilah.types import Result

MARGIN = 0.25
"""Of the box's size, added on each side: enough for hair and chin, so that people know the face."""

QUALITY = 95


def write_crops(source: str, result: Result, draft: Path) -> list[Path]:
    """Write one JPEG a face, in the order of `result.faces`, beside `draft`; none without faces.

    Raises:
        OSError: the photo cannot be read any more, or a crop cannot be written.
    """
    if not result.faces:
        return []
    try:
        photo = Image.fromarray(load(source))
    except ImageError as error:
        raise OSError(0, str(error), source) from None
    crops = []
    for count, face in enumerate(result.faces, start=1):
        x, y = face.box.width * MARGIN, face.box.height * MARGIN
        # Within the photo, and never empty, wherever a detector placed the box.
        left = min(max(0, round(face.box.left - x)), photo.width - 1)
        top = min(max(0, round(face.box.top - y)), photo.height - 1)
        right = max(left + 1, min(photo.width, round(face.box.right + x)))
        bottom = max(top + 1, min(photo.height, round(face.box.bottom + y)))
        crop = draft.with_name(f"{draft.name}-{count}.jpg")
        photo.crop((left, top, right, bottom)).save(crop, quality=QUALITY, subsampling=0)
        crops.append(crop)
    return crops
