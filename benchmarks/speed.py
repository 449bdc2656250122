"""How fast pilah is on this machine, from files to answers: `python benchmarks/speed.py FOLDER`.

Every photo is opened, its faces are found, cut out and classified, as `pilah sort` does it; only
the copying is left out. A small folder is gone through again until `--count` photos are done.
"""

import argparse
import itertools
import os
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

import pilah


def main() -> None:
    """Measure and print one small table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of photos, looked through in depth")
    parser.add_argument("--model", help="a model of the package, or a file (default: the shipped)")
    parser.add_argument("--count", type=int, default=200, help="photos to do (default: 200)")
    options = parser.parse_args()
    photos = sorted(path for path in options.folder.rglob("*") if path.is_file())
    if not photos:
        parser.error(f"no photos in {options.folder}")
    paths = list(itertools.islice(itertools.cycle(photos), options.count))

    start = time.perf_counter()
    model = pilah.load(options.model)
    model.predict(paths[0])  # ONNX Runtime plans its memory at the first call
    ready = time.perf_counter()
    results = list(model.predict_many(paths))
    seconds = time.perf_counter() - ready

    table = Table(title=f"{model.info.name} {model.info.version} on {os.cpu_count()} cores")
    for column in ("photos", "unreadable", "faces", "first answer (s)", "all (s)", "photos/s"):
        table.add_column(column, justify="right")
    table.add_row(
        f"{len(results):,}",
        f"{sum(result.error is not None for result in results):,}",
        f"{sum(len(result.faces) for result in results):,}",
        f"{ready - start:.2f}",
        f"{seconds:.1f}",
        f"{len(results) / seconds:.1f}",
    )
    Console().print(table)


if __name__ == "__main__":
    main()
