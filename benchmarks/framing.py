"""What finding and cutting out the face costs, beside a crop that is ready.

    python benchmarks/framing.py prepared/celeba/manifest.csv --split validation
    python benchmarks/framing.py prepared/celeba/manifest.csv --photos in_the_wild/

The same faces are classified twice: the manifest's crops as they are, and the face that pilah
itself finds and cuts out, in the crop's own picture or in the full photo of the same name in
`--photos`. Both are held against the same label.
"""

import argparse
import csv
import math
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

import pilah


def main() -> None:
    """Measure and print one small table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path, help="manifest.csv of ready face crops")
    parser.add_argument("--split", default="validation", help="which part (default: validation)")
    parser.add_argument("--photos", type=Path, help="folder with full photos of the same names")
    parser.add_argument("--model", help="a model of the package, or a file (default: the shipped)")
    options = parser.parse_args()
    with options.manifest.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == options.split]
    crops = [Path(row["path"]) for row in rows]
    photos = [options.photos / crop.name if options.photos else crop for crop in crops]
    there = [index for index, photo in enumerate(photos) if photo.is_file()]
    if not there:
        parser.error(f"none of the {len(rows)} crops has a photo in {options.photos}")

    model = pilah.load(options.model) if options.model else pilah.load()
    ready = model.predict_many([crops[i] for i in there], crops=True)
    found = model.predict_many([photos[i] for i in there])
    both = [
        (rows[i]["label"] == "male", _is_male(one), _is_male(other))
        for i, one, other in track(zip(there, ready, found, strict=True), total=len(there))
    ]
    pairs = [(one == label, other == label) for label, one, other in both if other is not None]
    count = len(pairs)
    right = [sum(pair[side] for pair in pairs) / count for side in (0, 1)]
    # Paired: only faces that are answered differently say anything about the difference
    better, worse = (sum(pair == case for pair in pairs) for case in ((False, True), (True, False)))
    gap = (better - worse) / count
    error = math.sqrt(better + worse - (better - worse) ** 2 / count) / count

    table = Table(title=f"{model.info.name} {model.info.version}, {options.split}")
    for column in ("faces", "found", "ready crops", "found and cut out", "difference (95%)"):
        table.add_column(column, justify="right")
    table.add_row(
        f"{len(there):,}",
        f"{count:,} ({count / len(there):.1%})",
        f"{right[0]:.2%}",
        f"{right[1]:.2%}",
        f"{100 * gap:+.2f} ± {196 * error:.2f} points",
    )
    Console().print(table)


def _is_male(result: pilah.Result) -> bool | None:
    """The answer about the largest face; None where none was found."""
    return None if result.p_male is None else result.p_male > 0.5


if __name__ == "__main__":
    main()
