"""What more photos cost: `python -m benchmarks.growth FOLDER --counts 100 1000 10000 100000`.

The folder's photos are linked again and again, and `pilah sort --link` sorts the links. Memory is
that of the sorting process and its workers, read once a second until the last photo is in its
folder; the report that is written then holds a row per photo. Kinds of photos that cost more are
made from the folder's: enlarged to 24 megapixels, and six of them side by side.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from PIL import Image, ImageOps

from benchmarks.memory import tree_megabytes
from pilah.images import load

COUNTS = (100, 1000, 10_000, 100_000)
LARGE = (6000, 4000)
LARGE_COUNT, GROUPS = 60, 100
TILE = (480, 600)


@dataclass(frozen=True)
class Cost:
    """What a sort took from its start to its report, and the most memory before the report."""

    name: str
    photos: int
    seconds: float
    megabytes: float


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of photos, each of a person")
    parser.add_argument("--counts", type=int, nargs="*", default=COUNTS, help="photos to sort")
    options = parser.parse_args()
    photos = sorted(str(path) for path in options.folder.rglob("*") if path.is_file())
    print("\n".join(table(growth(photos, options.counts))))


def growth(photos: Sequence[str], counts: Sequence[int]) -> list[Cost]:
    """Sort so many links to the photos, then large photos, then groups."""
    with tempfile.TemporaryDirectory() as scratch:
        costs = [
            _sorted("as they are", list(islice(cycle(photos), count)), Path(scratch))
            for count in counts
        ]
        made = Path(scratch) / "made"
        made.mkdir()
        large = [_enlarged(photo, made) for photo in photos[:LARGE_COUNT]]
        costs.append(_sorted("of 24 megapixels", large, Path(scratch)))
        again = cycle(photos)
        groups = [_group(list(islice(again, 6)), made) for _ in range(GROUPS)]
        costs.append(_sorted("groups of six", groups, Path(scratch)))
    return costs


def table(costs: Sequence[Cost]) -> list[str]:
    """Lines of Markdown; the slope is what each photo more costs, from the row before."""
    lines = [
        "| photos | kind | seconds | per second | most memory | seconds per 1,000 more |",
        "|---|---|---|---|---|---|",
    ]
    before: Cost | None = None
    for cost in costs:
        slope = ""
        if before is not None and before.name == cost.name:
            more = 1000 * (cost.seconds - before.seconds) / (cost.photos - before.photos)
            slope = f"{more:.1f}"
        lines.append(
            f"| {cost.photos:,} | {cost.name} | {cost.seconds:.1f} "
            f"| {cost.photos / cost.seconds:.1f} | {cost.megabytes:.0f} MB | {slope} |"
        )
        before = cost
    return lines


def _sorted(name: str, photos: Sequence[str], scratch: Path) -> Cost:
    """Sort links to photos with `pilah sort --link`; every one must be in a folder in the end."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        source, target = Path(folder) / "photos", Path(folder) / "sorted"
        source.mkdir()
        for index, photo in enumerate(photos):
            (source / f"{index:06}{Path(photo).suffix}").symlink_to(photo)
        words = [sys.executable, "-m", "pilah", "sort", str(source), "--to", str(target)]
        began = time.perf_counter()
        process = subprocess.Popen([*words, "--link", "--quiet"], stdout=subprocess.DEVNULL)
        most = 0.0
        while process.poll() is None:
            if not (target / "results.csv").exists():
                most = max(most, tree_megabytes(process.pid))
            time.sleep(0.2 if time.perf_counter() - began < 20 else 1)
        seconds = time.perf_counter() - began
        if process.returncode not in (0, 1):
            sys.exit(f"pilah sort ended with {process.returncode}")
        placed = sum(path.is_symlink() for path in target.glob("*/*"))
        if placed != len(photos):
            sys.exit(f"{len(photos) - placed:,} of {len(photos):,} photos were not sorted")
    return Cost(name, len(photos), seconds, most)


def _enlarged(photo: str, folder: Path) -> str:
    path = folder / f"large-{Path(photo).stem}.jpg"
    ImageOps.pad(Image.fromarray(load(photo)), LARGE).save(path, quality=90)
    return str(path)


def _group(photos: Sequence[str], folder: Path) -> str:
    group = Image.new("RGB", (3 * TILE[0], 2 * TILE[1]))
    for place, photo in enumerate(photos):
        tile = ImageOps.pad(Image.fromarray(load(photo)), TILE)
        group.paste(tile, (TILE[0] * (place % 3), TILE[1] * (place // 3)))
    path = folder / f"group-{len(list(folder.glob('group-*'))):03}.jpg"
    group.save(path, quality=90)
    return str(path)


if __name__ == "__main__":
    main()
