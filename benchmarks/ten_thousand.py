"""Memory and speed of `pilah sort` over many photos: `python -m benchmarks.ten_thousand FOLDER`.

The folder's photos are linked again and again until there are `--count`. The memory of the sorting
process and its workers is read once a second. Its peak over the first tenth of the photos is
compared with that over the last, without the report that is written after them; the peak of all
includes that. It fails above 1 GB, where the last tenth needs over 5% more than the first, or where
a photo is missing.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.memory import tree_megabytes

LIMIT_MB = 1000
GROWTH = 1.05


def main() -> None:
    """Measure and print one small table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of photos")
    parser.add_argument("--count", type=int, default=10_000, help="photos (default: 10,000)")
    options = parser.parse_args()
    photos = sorted(path for path in options.folder.rglob("*") if path.is_file())
    if not photos:
        parser.error(f"no photos in {options.folder}")
    with tempfile.TemporaryDirectory() as scratch:
        source, target = Path(scratch) / "photos", Path(scratch) / "sorted"
        source.mkdir()
        for index, photo in enumerate(islice(cycle(photos), options.count)):
            (source / f"{index:06}{photo.suffix}").symlink_to(photo.absolute())
        seconds, readings = _sort(source, target)
        lost = options.count - _sorted(target)
    tenth = options.count // 10
    peak = max(megabytes for _, megabytes in readings)
    first = max(megabytes for done, megabytes in readings if done <= tenth)
    last = max(m for done, m in readings if options.count - tenth <= done < options.count)

    table = Table(title=f"pilah sort --link, {options.count:,} photos, {os.cpu_count()} cores")
    for column in ("seconds", "photos/s", "peak (MB)", "first tenth (MB)", "last tenth (MB)"):
        table.add_column(column, justify="right")
    table.add_row(
        f"{seconds:.0f}",
        f"{options.count / seconds:.1f}",
        f"{peak:.0f}",
        f"{first:.0f}",
        f"{last:.0f}",
    )
    Console().print(table)
    if lost:
        sys.exit(f"{lost:,} photos were not sorted")
    if peak > LIMIT_MB or last > GROWTH * first:
        sys.exit(f"more than {LIMIT_MB} MB, or {last / first - 1:.1%} more in the last tenth")


def _sort(source: Path, target: Path) -> tuple[float, list[tuple[int, float]]]:
    """Seconds, and at each second how many photos were done and how many megabytes in use."""
    command = [sys.executable, "-c", "from pilah.cli import main; main()"]
    began = time.perf_counter()
    process = subprocess.Popen([*command, "sort", str(source), "--to", str(target), "--link"])
    readings = []
    while process.poll() is None:
        readings.append((_sorted(target), tree_megabytes(process.pid)))
        time.sleep(1)
    if process.returncode not in (0, 1):
        sys.exit(f"pilah sort ended with {process.returncode}")
    return time.perf_counter() - began, readings


def _sorted(target: Path) -> int:
    """How many photos are in a folder already; all are links."""
    return sum(path.is_symlink() for path in target.glob("*/*"))


if __name__ == "__main__":
    main()
