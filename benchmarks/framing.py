"""What a user gets from photos of every kind: the face found, cropped, answered.

    python benchmarks/framing.py labelled.csv
    python benchmarks/framing.py labelled.csv --count 300 --model pilah-inception-v3

The CSV has the columns `path,label` (a manifest is one; `--split` takes one of its splits): photos
of one person each. Each photo is answered as it is, as a ready crop, and as pictures made from it:

    tight          cut at the edge of the face's box and a tenth more, as in an ID photo
    wide           in the middle of a grey picture three times as wide and high
    large          enlarged to 12 million pixels
    small face     scaled down until the face is 30 pixels high
    rotated        by 90, 180 and 270 degrees, without a note in the file
    tilted         by 25 degrees, the corners grey

A face that is not found is an error.
"""

import argparse
import csv
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

import pilah
from pilah.images import load

GREY = (128, 128, 128)
PIXELS = 12_000_000

Change = Callable[[Image.Image, pilah.Face], Image.Image]


def tight(photo: Image.Image, face: pilah.Face) -> Image.Image:
    """The face's box and a tenth more on each side, as far as the photo reaches."""
    box, more = face.box, 0.1 * face.box.height
    edges = (box.left - more, box.top - more, box.right + more, box.bottom + more)
    return photo.crop(
        (
            max(0, round(edges[0])),
            max(0, round(edges[1])),
            min(photo.width, round(edges[2])),
            min(photo.height, round(edges[3])),
        )
    )


def wide(photo: Image.Image, face: pilah.Face) -> Image.Image:
    """The photo in the middle of a grey one three times as wide and high."""
    picture = Image.new("RGB", (3 * photo.width, 3 * photo.height), GREY)
    picture.paste(photo, photo.size)
    return picture


def large(photo: Image.Image, face: pilah.Face) -> Image.Image:
    """The photo enlarged to `PIXELS`."""
    scale = (PIXELS / (photo.width * photo.height)) ** 0.5
    return photo.resize((round(scale * photo.width), round(scale * photo.height)))


def small_face(photo: Image.Image, face: pilah.Face) -> Image.Image:
    """The photo scaled down until the face is 30 pixels high."""
    scale = min(1.0, 30 / face.height)
    size = (max(1, round(scale * photo.width)), max(1, round(scale * photo.height)))
    return photo.resize(size, Image.Resampling.BOX)


def _rotated(way: Image.Transpose) -> Change:
    return lambda photo, face: photo.transpose(way)


def tilted(photo: Image.Image, face: pilah.Face) -> Image.Image:
    """The photo tilted by 25 degrees."""
    return photo.rotate(25, Image.Resampling.BICUBIC, expand=True, fillcolor=GREY)


CHANGES: dict[str, Change] = {
    "as it is": lambda photo, face: photo,
    "tight": tight,
    "wide": wide,
    "large": large,
    "small face": small_face,
    "rotated 90": _rotated(Image.Transpose.ROTATE_90),
    "rotated 180": _rotated(Image.Transpose.ROTATE_180),
    "rotated 270": _rotated(Image.Transpose.ROTATE_270),
    "tilted 25": tilted,
}


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labelled", type=Path, help="CSV of photos: path,label")
    parser.add_argument("--split", help="this split of a manifest only")
    parser.add_argument("--count", type=int, help="a random part of so many photos")
    parser.add_argument("--model", help="a model of the package, or a file (default: the shipped)")
    options = parser.parse_args()
    with options.labelled.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if options.split in (None, row.get("split"))]
    if options.count:
        rows = random.Random(1).sample(rows, options.count)
    model = pilah.load(options.model, min_share=1)
    table = Table(title=f"{model.info.name} {model.info.version}, {len(rows):,} photos")
    for column in (
        "picture",
        "found",
        "right",
        "women right",
        "men right",
        "unsure",
        "other label",
    ):
        table.add_column(column, justify="left" if column == "picture" else "right")
    labels = [row["label"] for row in rows]
    ready = model.predict_many((row["path"] for row in rows), crops=True)
    table.add_row("ready crop", *_figures(labels, list(ready)))
    for name, change in CHANGES.items():
        changed = _changed([row["path"] for row in rows], change, model)
        results = model.predict_many(track(changed, name, total=len(rows)))
        table.add_row(name, *_figures(labels, list(results)))
    Console().print(table)


def _changed(paths: list[str], change: Change, model: pilah.Pilah) -> Iterator[np.ndarray]:
    for path in paths:
        photo = Image.fromarray(load(path))
        faces = model.predict(np.asarray(photo)).faces
        yield np.asarray(change(photo, faces[0]) if faces else photo)


def _figures(labels: list[str], results: list[pilah.Result]) -> list[str]:
    likelier = [
        None if one.p_male is None else "male" if one.p_male >= 0.5 else "female" for one in results
    ]
    right = [one == label for one, label in zip(likelier, labels, strict=True)]
    wrong = sum(one.label not in (None, label) for one, label in zip(results, labels, strict=True))
    return [
        f"{sum(one is not None for one in likelier) / len(labels):.1%}",
        f"{sum(right) / len(labels):.1%}",
        *(
            f"{np.mean([r for r, one in zip(right, labels, strict=True) if one == label]):.1%}"
            for label in ("female", "male")
        ),
        f"{sum(one.label is None and bool(one.faces) for one in results) / len(labels):.1%}",
        f"{wrong / len(labels):.1%}",
    ]


if __name__ == "__main__":
    main()
