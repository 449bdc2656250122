"""From which height on a face decides where its photo goes: bins of photos of one person each.

    python benchmarks/foreground.py photos.csv

The CSV has columns path and label (female or male), one photo a row that shows that person, perhaps
with others behind. Each row of the table leaves out the faces that are lower than a share of the
largest one.
"""

import argparse
import csv
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

import pilah
from pilah.sorting.bins import bin_of, foreground

SHARES = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


def main() -> None:
    """Measure and print one small table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, help="CSV with columns path and label")
    parser.add_argument("--model", help="a model of the package, or a file (default: the shipped)")
    options = parser.parse_args()
    with options.photos.open(newline="") as file:
        rows = list(csv.DictReader(file))
    model = pilah.load(options.model) if options.model else pilah.load()
    results = list(
        track(model.predict_many(row["path"] for row in rows), "Finding faces", total=len(rows))
    )

    table = Table(title=f"{model.info.name} {model.info.version}, {len(rows):,} photos")
    for column in ("at least", "right", "unsure", "mixed", "wrong", "no face, unreadable"):
        table.add_column(column, justify="right")
    for share in SHARES:
        counts = Counter(
            _outcome(result, share, row["label"]) for result, row in zip(results, rows, strict=True)
        )
        kinds = ("right", "unsure", "mixed", "wrong", "neither")
        table.add_row(f"{share:g}", *(f"{counts[kind] / len(rows):.1%}" for kind in kinds))
    Console().print(table)


def _outcome(result: pilah.Result, share: float, label: str) -> str:
    near = pilah.Result(result.path, foreground(result.faces, share), result.error)
    bin_ = bin_of(near, by="faces")
    if bin_ in ("female", "male"):
        return "right" if bin_ == label else "wrong"
    return bin_ if bin_ in ("unsure", "mixed") else "neither"


if __name__ == "__main__":
    main()
