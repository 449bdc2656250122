"""What `pilah classify` costs and survives: `python -m benchmarks.cluster FOLDER PART`.

FOLDER has photos, each of a person; they are linked as often as a part needs. Parts:

    speed     COUNT photos by `predict`, by two processes, and by two actors
    one       COUNT photos by one process, and by one actor
    memory    the most memory of the driver at a tenth of COUNT, and at COUNT photos
    kills     COUNT photos by two actors; one is killed twice and the driver once, then it resumes
    moments   the driver killed at ten random moments, by turns with either engine
    stop      Ctrl-C and SIGTERM: exit code, seconds, and which processes are left
    list      a text list of a million lines: seconds and memory before the first photo
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image

from benchmarks.memory import tree_megabytes

CLASSIFY = [sys.executable, "-m", "pilah", "classify"]
RAY = ("--engine", "ray", "--workers", "2")
SIDE = 320
LINES = 1_000_000
PATIENCE = 30


def main() -> None:
    """Measure one part, and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of photos, each of a person")
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--count", type=int, default=2000, help="photos to classify")
    parser.add_argument(
        "--small", action="store_true", help=f"photos reduced to {SIDE} pixels first: many in short"
    )
    options = parser.parse_args()
    photos = sorted(path for path in options.folder.iterdir() if path.is_file())
    with tempfile.TemporaryDirectory() as scratch:
        if options.small:
            photos = [_reduced(photo, Path(scratch)) for photo in photos]
        PARTS[options.part](photos, options.count, Path(scratch))


def speed(photos: list[Path], count: int, scratch: Path) -> None:
    """Each way once, on two cores; see `rate` for what starting costs."""
    source = linked(photos, count, scratch)
    listing = scratch / "paths"
    listing.write_text("\n".join(sorted(map(str, source.iterdir()))))
    began = time.perf_counter()
    command = [sys.executable, "-m", "pilah", "predict", "--json", "-"]
    with listing.open() as file:
        process = subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE)
        assert process.stdout is not None
        times = [time.perf_counter() for _ in process.stdout]
    # as of the engines' shards, what the first 64 photos took is not in the rate
    seconds, later = time.perf_counter() - began, times[-1] - times[63]
    print(f"predict: {seconds:.1f} s in all, {(count - 64) / later:.1f} photos/s", flush=True)
    rate("classify, 2 processes", source, scratch / "local")
    rate("classify, 2 actors", source, scratch / "ray", *RAY)


def one(photos: list[Path], count: int, scratch: Path) -> None:
    """The engines with one worker each."""
    source = linked(photos, count, scratch)
    rate("classify, 1 process", source, scratch / "local", "--workers", "1")
    rate("classify, 1 actor", source, scratch / "ray", "--engine", "ray", "--workers", "1")


def rate(name: str, source: Path, target: Path, *words: str) -> None:
    """Seconds in all, and photos a second from the first shard to the last."""
    began = time.perf_counter()
    run(source, target, *words)
    seconds = time.perf_counter() - began
    ends = sorted((path.stat().st_mtime, path) for path in target.glob("part-*"))
    later = sum(pq.read_metadata(path).num_rows for _, path in ends[1:])
    per_second = later / (ends[-1][0] - ends[0][0])
    print(f"{name}: {seconds:.1f} s in all, {per_second:.1f} photos/s", flush=True)


def memory(photos: list[Path], count: int, scratch: Path) -> None:
    """Of the driver alone, and of all its processes together."""
    for number in (count // 10, count):
        source, target = linked(photos, number, scratch), scratch / f"out-{number}"
        process = start(source, target, *RAY)
        most = all_of_them = 0.0
        while process.poll() is None:
            most = max(most, resident_megabytes(process.pid))
            all_of_them = max(all_of_them, tree_megabytes(process.pid))
            time.sleep(0.5)
        check(target, source)
        print(f"{number:,} photos: driver {most:.0f} MB, all processes {all_of_them:.0f} MB")


def kills(photos: list[Path], count: int, scratch: Path) -> None:
    """Kill an actor twice at a third and the driver at two thirds of the shards; then resume."""
    source, target = linked(photos, count, scratch), scratch / "out"
    (source / "broken.jpg").write_bytes(b"no photo")
    began = time.perf_counter()
    process = start(source, target, *RAY)
    killed = 0
    while process.poll() is None and killed < 2:
        if rows_of(target) >= count // 3 * (1 + killed) // 2:
            killed += kill_an_actor(target)
        time.sleep(0.2)
    while process.poll() is None and rows_of(target) < 2 * count // 3:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    print(f"actors killed: {killed}; driver killed at {rows_of(target):,} rows")
    print(f"processes left after {PATIENCE} s: {left(target)}")
    end = run(source, target, *RAY)
    errors = check(target, source)
    print(f"{rows_of(target):,} rows, each path once, exit code {end}, errors: {dict(errors)}")
    print(f"{time.perf_counter() - began:.0f} s in all")


def moments(photos: list[Path], count: int, scratch: Path) -> None:
    """SIGKILL at random moments; what is whole stays, and no path is there twice."""
    source, target = linked(photos, count, scratch), scratch / "out"
    for number in range(10):
        process = start(source, target, *(RAY if number % 2 else ()))
        moment = random.uniform(0.5, 15)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moment)
        process.kill()
        process.wait()
        print(f"killed after {moment:.1f} s: {rows_of(target):,} rows; left: {left(target)}")
    run(source, target, *RAY)
    check(target, source)
    print(f"{rows_of(target):,} rows, each path once")


def stop(photos: list[Path], count: int, scratch: Path) -> None:
    """What a person does: Ctrl-C to the whole group; and a service manager: SIGTERM to one."""
    source = linked(photos, count, scratch)
    for words in ((), RAY):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            target = scratch / f"out-{len(words)}-{number}"
            process = start(source, target, *words, stderr=subprocess.PIPE)
            while not rows_of(target):
                time.sleep(0.1)
            began = time.perf_counter()
            if number == signal.SIGINT:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
            _, said = process.communicate()
            seconds = time.perf_counter() - began
            print(
                f"{words[1:2] or 'local'} {number.name}: exit code {process.returncode} after "
                f"{seconds:.1f} s, left: {left(target)}, said: {said.decode().strip()!r}",
                flush=True,
            )


def long_list(photos: list[Path], count: int, scratch: Path) -> None:
    """A million lines, of which the first photo's answer is waited for."""
    source, target = scratch / "list.txt", scratch / "out"
    with source.open("w") as file:
        for number in range(LINES):
            file.write(f"/photos/of/some/length/{number // 1000:06}/{number:09}.jpg\n")
    began = time.perf_counter()
    process = start(source, target)
    most = 0.0
    while process.poll() is None and not rows_of(target):
        most = max(most, resident_megabytes(process.pid))
        time.sleep(0.2)
    seconds = time.perf_counter() - began
    process.kill()
    process.wait()
    size = (target / ".pilah/listing.sqlite").stat().st_size
    print(f"{LINES:,} lines: {seconds:.1f} s, driver {most:.0f} MB, listing {size / 1e6:.0f} MB")


PARTS = {
    "speed": speed,
    "one": one,
    "memory": memory,
    "kills": kills,
    "moments": moments,
    "stop": stop,
    "list": long_list,
}


def linked(photos: list[Path], count: int, scratch: Path) -> Path:
    """A folder of so many links to the photos."""
    folder = scratch / f"photos-{count}"
    folder.mkdir()
    for number, photo in enumerate(islice(cycle(photos), count)):
        (folder / f"{number:06}{photo.suffix}").symlink_to(photo.absolute())
    return folder


def start(
    source: Path, target: Path, *words: str, stderr: int | None = None
) -> "subprocess.Popen[bytes]":
    """Start the command, in a process group of its own as a shell does."""
    command = [*CLASSIFY, str(source), "--to", str(target), "--quiet", *words]
    environment = dict([*os.environ.items(), mark(target).split("=", 1)])
    return subprocess.Popen(command, start_new_session=True, stderr=stderr, env=environment)


def run(source: Path, target: Path, *words: str) -> int:
    """Run the command to its end."""
    code = start(source, target, *words, stderr=subprocess.DEVNULL).wait()
    if code not in (0, 1):
        sys.exit(f"pilah classify ended with {code}")
    return code


def rows_of(target: Path) -> int:
    """How many rows the shards have now."""
    return sum(pq.read_metadata(path).num_rows for path in target.glob("part-*.parquet"))


def check(target: Path, source: Path) -> Counter[str]:
    """Stop unless each photo has one row; give the errors."""
    rows = [row for path in target.glob("part-*.parquet") for row in columns_of(path)]
    names = Counter(path for path, _ in rows)
    expected = {str(path) for path in source.iterdir()}
    if set(names) != expected or set(names.values()) != {1}:
        sys.exit(f"{len(names):,} paths in {len(rows):,} rows for {len(expected):,} photos")
    return Counter(error for _, error in rows if error is not None)


def columns_of(path: Path) -> Iterator[tuple[str, str | None]]:
    """Path and error of each row of a shard."""
    table = pq.read_table(path, columns=["path", "error"])
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


def kill_an_actor(target: Path) -> int:
    """Kill one actor of Ray that answers photos; say how many were (0 or 1)."""
    for pid in processes(target, "ray::MapWorker"):
        os.kill(pid, signal.SIGKILL)
        return 1
    return 0


def processes(target: Path, text: str = "") -> list[int]:
    """Processes of a run, by a mark that each inherits, whose command line has a text."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            of_run = mark(target).encode() in (folder / "environ").read_bytes().split(b"\0")
            if of_run and text.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def mark(target: Path) -> str:
    """What the environment of a run's processes has."""
    return f"PILAH_RUN={target}"


def left(target: Path) -> int:
    """How many processes of a run are left, after some patience."""
    end = time.monotonic() + PATIENCE
    while (there := processes(target)) and time.monotonic() < end:
        time.sleep(0.2)
    return len(there)


def resident_megabytes(pid: int) -> float:
    """Memory of one process that no other shares with it, nor a file on the disk."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _reduced(photo: Path, scratch: Path) -> Path:
    folder = scratch / "reduced"
    folder.mkdir(exist_ok=True)
    with Image.open(photo) as image:
        image.thumbnail((SIDE, SIDE))
        image.convert("RGB").save(folder / f"{photo.name}.jpg")
    return folder / f"{photo.name}.jpg"


if __name__ == "__main__":
    main()
