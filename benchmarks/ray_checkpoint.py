"""Ray Data's own checkpointing, beside ours: `python -m benchmarks.ray_checkpoint --count N`.

N rows go through a stage that does nothing, by two tasks, and are written as Parquet with a
`CheckpointConfig`. The run is killed when a quarter of its files is there, and started again.
Printed are the rows that are missing or there twice in the end, and the memory of the second run,
in all of Ray's processes. No photo is read: what is measured is what resuming costs.
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

FILES = 40

RUN = f"""
import os, sys, time
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
import ray
from ray.data import DataContext
from ray.data.checkpoint import CheckpointConfig

count, target, checkpoint, wait = sys.argv[1:]
ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False)
DataContext.get_current().checkpoint_config = CheckpointConfig(
    id_column="id", checkpoint_path=checkpoint, delete_checkpoint_on_success=False
)

def stage(batch):
    time.sleep(float(wait))
    return batch

rows = ray.data.range(int(count), override_num_blocks={FILES})
rows.map_batches(stage, batch_size=None, batch_format="pyarrow").write_parquet(target)
"""
PATIENCE = 240


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000, help="rows")
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        process = start(folder, count, wait=0.2)
        end = time.monotonic() + PATIENCE
        while process.poll() is None and len(files(folder)) < FILES // 4:
            if time.monotonic() > end:
                sys.exit("the files do not come")
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        print(f"killed with {len(files(folder)):,} files; {outcome(folder, count)}")
        time.sleep(5)
        began = time.perf_counter()
        process, most = start(folder, count, wait=0), 0.0
        while process.poll() is None:
            most = max(most, tree_megabytes(process.pid))
            time.sleep(0.1)
        seconds = time.perf_counter() - began
        print(f"resumed: exit code {process.returncode}, {seconds:.1f} s, {most:,.0f} MB at most")
        print(outcome(folder, count))


def start(folder: Path, count: int, *, wait: float) -> "subprocess.Popen[bytes]":
    """Start the run in a process group of its own."""
    words = [str(count), str(folder / "out"), str(folder / "checkpoint"), str(wait)]
    command = [sys.executable, "-c", RUN, *words]
    nowhere = subprocess.DEVNULL
    return subprocess.Popen(command, start_new_session=True, stdout=nowhere, stderr=nowhere)


def files(folder: Path) -> list[Path]:
    """What is written so far."""
    return list((folder / "out").rglob("*.parquet"))


def outcome(folder: Path, count: int) -> str:
    """Rows that are there, missing, and there twice."""
    paths: Counter[int] = Counter()
    broken = 0
    for path in files(folder):
        with contextlib.suppress(pa.ArrowInvalid):
            paths.update(pq.read_table(path, columns=["id"]).column(0).to_pylist())
            continue
        broken += 1
    twice = sum(number > 1 for number in paths.values())
    missing = count - len(paths)
    return f"{len(paths):,} paths, {missing:,} missing, {twice:,} twice, {broken} broken files"


if __name__ == "__main__":
    main()
