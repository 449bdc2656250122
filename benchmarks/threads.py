"""Threads beside worker processes, as `pilah sort` looks: `python -m benchmarks.threads FOLDER`.

By turns, the same photos are answered by one worker process a core and by one thread a core in one
process; Pillow and ONNX Runtime release the interpreter while they work.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median

import pilah
from benchmarks.run_pilah import SHARES
from pilah.cores import usable_cores


def main() -> None:
    """Measure, and print a line per way; exits with an error where answers differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of photos, looked through in depth")
    parser.add_argument("--count", type=int, default=400, help="photos a round (default: 400)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each way is measured")
    options = parser.parse_args()
    photos = sorted(path for path in options.folder.rglob("*") if path.is_file())
    paths = list(itertools.islice(itertools.cycle(photos), options.count))
    many = pilah.load(min_share=SHARES["sort"])
    alone = pilah.load(min_share=SHARES["sort"], workers=1)
    with ThreadPoolExecutor(usable_cores()) as pool:
        ways: dict[str, Callable[[], Iterable[pilah.Result]]] = {
            "processes": partial(many.predict_many, paths),
            "threads": partial(pool.map, alone.predict, paths),
        }
        expected = list(many.predict_many(paths))  # now each worker has its model
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _, (name, way) in itertools.product(range(options.rounds), ways.items()):
            began = time.perf_counter()
            answers = list(way())
            rates[name].append(len(paths) / (time.perf_counter() - began))
            if answers != expected:
                raise SystemExit(f"{name} answer otherwise")
    for name, rate in rates.items():
        print(f"{name}: {median(rate):.1f} photos/s ({min(rate):.1f} to {max(rate):.1f})")


if __name__ == "__main__":
    main()
