"""Photos -> crops of their main faces, so that training sees faces.

A crop is cut as CelebA's aligned images are, from which the study and the shipped models learned.
It lies at the place that its photo has among the photos, as a PNG whose time is the photo's: a
`pilah prepare` that was stopped finds it again, and cuts only what is missing or has changed.
"""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from pilah.cores import usable_cores
from pilah.errors import DataError
from pilah.faces.detect import Detector
from pilah.faces.extract import Extracted, Extractor
from pilah.files import replacing
from pilah.types import Frame
from pilah.workers import UnderWay, Workers

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "faces"
SIZE_HW = (218, 178)
FRAME = Frame(shift_x=0.0, shift_y=-0.148, height=1.913)
"""CelebA's: `pilah.faces.frame.fit_frame` on 500 of its images, and their size."""

MIN_FACE = 20.0
"""Pixels; a smaller face would be enlarged more than five times."""

FEW = 16
"""So few photos are done before worker processes would have started."""

AHEAD = 16
"""Photos per worker that are under way at once, so that memory is bounded."""


def crop_paths(photos: "pd.Series[str]", to: Path) -> "pd.Series[str]":
    """Where the crop of each photo lies: as the photo lies among the others, below `to/faces`."""
    folder = os.path.commonpath([os.path.dirname(path) for path in photos])
    faces = to.absolute() / FOLDER
    return photos.map(lambda path: str(faces / f"{os.path.relpath(path, folder)}.png"))


def crop_faces(photos: Sequence[str], crops: Sequence[str]) -> Iterator[str]:
    """Write the crop of each photo's largest face, unless it is there already.

    Args:
        photos: the photos' paths.
        crops: where their crops lie, or will lie.

    Returns:
        For each photo in order "", or why it has no crop.

    Raises:
        DataError: a crop cannot be written.
        PilahError: the worker processes cannot start.
    """
    needed = [not _is_there(photo, crop) for photo, crop in zip(photos, crops, strict=True)]
    extracted = _extract([photo for photo, need in zip(photos, needed, strict=True) if need])
    for photo, crop, need in zip(photos, crops, needed, strict=True):
        yield _write(next(extracted), photo, Path(crop)) if need else ""


def _is_there(photo: str, crop: str) -> bool:
    try:
        return os.stat(photo).st_mtime_ns == os.stat(crop).st_mtime_ns
    except OSError:
        return False


def _write(found: Extracted, photo: str, crop: Path) -> str:
    if found.error:
        return found.error if os.path.lexists(photo) else "listed but missing"
    if not len(found.crops):
        return "no face found"
    try:
        crop.parent.mkdir(parents=True, exist_ok=True)
        time = os.stat(photo).st_mtime_ns
        with replacing(crop) as draft:
            # Harder compression would take most of the time, and save an eighth of the size
            Image.fromarray(found.crops[0]).save(draft, "PNG", compress_level=1)
            os.utime(draft, ns=(time, time))
    except OSError as error:
        raise DataError(f"cannot write {crop} ({error}); choose another --to") from None
    return ""


def _extract(photos: Sequence[str]) -> Iterator[Extracted]:
    """Find and crop the faces of photos in order, on every core."""
    extractor = Extractor(SIZE_HW, FRAME, Detector(), MIN_FACE, min_share=1)
    if len(photos) <= FEW:
        yield from (extractor(photo, crops=False) for photo in photos)
        return
    workers, extract = Workers(usable_cores()), partial(extractor, crops=False)
    under_way: deque[UnderWay[str, Extracted]] = deque()
    try:
        for photo in photos:
            under_way.append(workers.submit(extract, photo))
            if len(under_way) >= AHEAD * workers.number:
                yield workers.extracted(under_way.popleft())
        while under_way:
            yield workers.extracted(under_way.popleft())
    finally:
        for task in under_way:
            task.made.cancel()
        workers.close()
