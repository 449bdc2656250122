"""Memory and speed of `pilah sort` over many photos: `python benchmarks/ten_thousand.py FOLDER`.

The folder's photos are linked again and again until there are `--count`. The memory of the sorting
process and its workers (their proportional set size: shared pages are counted once) is read once a
second, and its peaks over the first and the last tenth are compared. It fails above 1 GB, or where
the last tenth needs over 5% more than the first.
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
        done = sum(len(files) for _, _, files in os.walk(target))
    tenth = max(1, len(readings) // 10)
    first, last = max(readings[: 2 * tenth]), max(readings[-tenth:])

    table = Table(title=f"pilah sort --link, {options.count:,} photos, {os.cpu_count()} cores")
    for column in ("seconds", "photos/s", "peak (MB)", "first tenth (MB)", "last tenth (MB)"):
        table.add_column(column, justify="right")
    table.add_row(
        f"{seconds:.0f}",
        f"{options.count / seconds:.1f}",
        f"{max(readings):.0f}",
        f"{first:.0f}",
        f"{last:.0f}",
    )
    Console().print(table)
    if done < options.count or max(readings) > LIMIT_MB or last > GROWTH * first:
        raise SystemExit(f"too much memory, or photos lost: {done:,} files were written")


def _sort(source: Path, target: Path) -> tuple[float, list[float]]:
    """Seconds, and the megabytes in use at each second."""
    command = [sys.executable, "-c", "from pilah.cli import main; main()"]
    began = time.perf_counter()
    process = subprocess.Popen([*command, "sort", str(source), "--to", str(target), "--link"])
    readings = []
    while process.poll() is None:
        readings.append(_megabytes(process.pid))
        time.sleep(1)
    if process.returncode not in (0, 1):
        raise SystemExit(f"pilah sort ended with {process.returncode}")
    return time.perf_counter() - began, [each for each in readings if each > 0]


def _megabytes(process: int) -> float:
    """What a process and all below it hold, in megabytes; 0 for one that is gone."""
    try:
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        children = [c for task in tasks for c in (task / "children").read_text().split()]
    except OSError:
        return 0.0
    own = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return own * 1024 / 1e6 + sum(_megabytes(int(child)) for child in children)


if __name__ == "__main__":
    main()
