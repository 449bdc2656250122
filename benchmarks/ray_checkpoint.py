"""Ray Data's own checkpointing, beside ours: `python -m benchmarks.ray_checkpoint --count N`.

N rows go through a stage that does nothing, by two tasks, and are written as Parquet with a
`CheckpointConfig`. The run is killed when half of its files are there, and started again. Printed
are the rows that are missing or there twice in the end, and the memory that the second run takes
for the identifiers of the first, in all of Ray's processes and its object store. No photo is read:
what is measured is what resuming costs.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.memory import tree_megabytes

RUN = """
import os, sys, time
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
import ray
from ray.data import DataContext
from ray.data.checkpoint import CheckpointConfig

source, target, checkpoint, wait = sys.argv[1:]
ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level=50)
DataContext.get_current().checkpoint_config = CheckpointConfig(
    id_column="path", checkpoint_path=checkpoint, delete_checkpoint_on_success=False
)

def stage(batch):
    time.sleep(float(wait))
    return batch

rows = ray.data.read_parquet(source, override_num_blocks=200)
rows.map_batches(stage, batch_format="pyarrow").write_parquet(target)
"""
FILES = 200  # as RUN has it
PATIENCE = 240


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000, help="rows")
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_list(folder / "list", count)
        process = start(folder, wait=0.2)
        end = time.monotonic() + PATIENCE
        while process.poll() is None and len(files(folder)) < FILES // 2:
            if time.monotonic() > end:
                sys.exit("half of the files do not come")
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        print(f"killed with {len(files(folder)):,} files; {outcome(folder, count)}")
        time.sleep(5)
        began = time.perf_counter()
        process, most = start(folder, wait=0), 0.0
        while process.poll() is None:
            most = max(most, tree_megabytes(process.pid))
            time.sleep(0.1)
        seconds = time.perf_counter() - began
        print(f"resumed: exit code {process.returncode}, {seconds:.1f} s, {most:,.0f} MB at most")
        print(outcome(folder, count))


def write_list(folder: Path, count: int) -> None:
    """Paths of photos as Parquet, in as many files as there will be tasks."""
    folder.mkdir()
    for number in range(FILES):
        rows = range(number * count // FILES, (number + 1) * count // FILES)
        paths = [f"/photos/of/some/length/{row // 1000:06}/{row:09}.jpg" for row in rows]
        pq.write_table(pa.table({"path": paths}), folder / f"{number:04}.parquet")


def start(folder: Path, *, wait: float) -> "subprocess.Popen[bytes]":
    """Start the run in a process group of its own."""
    words = [*(str(folder / name) for name in ("list", "out", "checkpoint")), str(wait)]
    command = [sys.executable, "-c", RUN, *words]
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(command, start_new_session=True, stdout=nowhere, stderr=nowhere)


def files(folder: Path) -> list[Path]:
    """What is written so far."""
    return list((folder / "out").rglob("*.parquet"))


def outcome(folder: Path, count: int) -> str:
    """Rows that are there, missing, and there twice."""
    paths: Counter[str] = Counter()
    broken = 0
    for path in files(folder):
        with contextlib.suppress(pa.ArrowInvalid):
            paths.update(pq.read_table(path, columns=["path"]).column(0).to_pylist())
            continue
        broken += 1
    twice = sum(number > 1 for number in paths.values())
    missing = count - len(paths)
    return f"{len(paths):,} paths, {missing:,} missing, {twice:,} twice, {broken} broken files"


if __name__ == "__main__":
    main()
