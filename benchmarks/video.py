"""Speed and memory of `pilah video`: `python -m benchmarks.video`, `… --minutes 30`.

A 720p clip is made: two portraits in the public domain walk and cross before a background that
moves, with sound, at 30 frames a second. `pilah video` follows it from its start to its last file;
beside it, `predict_many` looks at every frame by itself, as one would without tracks, at a part of
the same clip. With `--minutes` the clip is repeated to that length, nothing is compared, and the
memory of the process and its workers is read once a second, while it looks and while it draws. It
fails below 3 times real time, or where the last third of either needs a tenth more memory than the
first.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageFilter
from rich.console import Console
from rich.table import Table

import pilah
from benchmarks.memory import tree_megabytes
from pilah.cli.video import MIN_FACE
from pilah.video.decode import Video
from tests.video.clips import Actor, collins, hopper, pictures, write_clip

RATE = 30
SIZE_HW = (720, 1280)
PAUSE = Fraction(1, 10)
"""Seconds between two repetitions: decoding begins before the first frame is shown."""

GROWTH = 1.1
TIMES = 3.0
RUN = "from pilah.cli import main; main()"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=40, help="length of the clip (default: 40)")
    parser.add_argument("--part", type=int, default=5, help="seconds seen frame by frame")
    parser.add_argument("--minutes", type=int, help="repeat the clip, and read the memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        clip = write_clip(
            Path(scratch) / "clip.mp4", _frames(options.seconds), rate=RATE, sound="aac"
        )
        if options.minutes:
            long = Path(scratch) / "long.mp4"
            times = 60 * options.minutes // options.seconds
            _repeat(clip, times, long)
            _memory(long, options.seconds * times, Path(scratch) / "out")
        else:
            _speed(clip, options.seconds, options.part, Path(scratch) / "out")


def _speed(clip: Path, seconds: int, part: int, target: Path) -> None:
    followed = _timed(lambda: _follow(clip, target).wait(), seconds)
    each = _timed(lambda: _frame_by_frame(clip, part), part)
    table = Table(title=f"{seconds} s of 720p at {RATE} frames/s, {os.cpu_count()} cores")
    for column in ("", "times real time", "CPU seconds a second"):
        table.add_column(column, justify="right" if column else "left")
    for name, (times, cpu) in (
        ("pilah video --every 0.2s, all files", followed),
        (f"predict_many, each frame ({part} s)", each),
    ):
        table.add_row(name, f"{times:.2f}", f"{cpu:.3f}")
    Console().print(table)
    if followed[0] < TIMES:
        sys.exit(f"less than {TIMES:g} times real time")


def _timed(work, seconds: int) -> tuple[float, float]:
    """Times real time, and CPU seconds a second of the clip, of child processes too."""
    began, cpu = time.perf_counter(), _cpu()
    work()
    return seconds / (time.perf_counter() - began), (_cpu() - cpu) / seconds


def _cpu() -> float:
    used = [resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _follow(clip: Path, target: Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", RUN, "video", clip, "--to", target])


def _frame_by_frame(clip: Path, part: int) -> None:
    model = pilah.load(min_face=MIN_FACE)
    with Video(clip) as video:
        frames = (still.pixels() for still in islice(video.stills(), part * RATE))
        for _ in model.predict_many(frames):
            pass
    model.close()


def _memory(clip: Path, seconds: int, target: Path) -> None:
    began = time.perf_counter()
    readings: dict[str, list[float]] = {"looking": [], "drawing": []}
    process = _follow(clip, target)
    while process.poll() is None:
        drawing = (target / ".pilah" / "annotated.mp4").exists()
        readings["drawing" if drawing else "looking"].append(tree_megabytes(process.pid))
        time.sleep(1)
    print(f"{seconds // 60} minutes, {seconds / (time.perf_counter() - began):.2f} times real time")
    grew = False
    for doing, megabytes in readings.items():
        third = len(megabytes) // 3
        first, last = max(megabytes[:third]), max(megabytes[-third:])
        print(f"{doing}: {first:.0f} MB at most in the first third, {last:.0f} in the last")
        grew |= last > GROWTH * first
    if process.returncode or grew:
        sys.exit(f"exit code {process.returncode}, or more than {GROWTH - 1:.0%} more memory")


def _frames(seconds: int) -> Iterator[np.ndarray]:
    """Two people who walk up and down and cross, before a wall that slowly passes by."""
    height, width = SIZE_HW
    noise = np.random.default_rng(1).integers(0, 256, (height // 8, width // 4, 3), np.uint8)
    wall = np.asarray(Image.fromarray(noise).resize((2 * width, height)).filter(ImageFilter.BLUR))

    def walk(start: float) -> tuple[float, float, float]:
        share = abs((start / 5) % 2 - 1)
        return 200 + 880 * share, 380, 420

    actors = [
        Actor(collins(), lambda time: walk(time)),
        Actor(hopper(), lambda time: walk(time + 5)),
    ]
    people = pictures(actors, seconds, size_hw=SIZE_HW, rate=RATE)
    plain = next(iter(pictures([], 1, size_hw=SIZE_HW, rate=RATE)))
    for number, frame in enumerate(people):
        left = 2 * number % width
        empty = (frame == plain).all(axis=2, keepdims=True)
        yield np.where(empty, wall[:, left : left + width] // 2 + 60, frame).astype(np.uint8)


def _repeat(clip: Path, times: int, path: Path) -> None:
    """One video after the other, without decoding."""
    with av.open(str(path), "w") as made:
        streams: dict = {}
        for turn in range(times):
            with av.open(str(clip)) as source:
                length = Fraction(source.duration, av.time_base) + PAUSE
                for stream in source.streams if not streams else ():
                    streams[stream.index] = made.add_stream_from_template(stream)
                for packet in source.demux():
                    if packet.dts is not None:
                        later = round(turn * length / packet.time_base)
                        packet.dts, packet.pts = packet.dts + later, packet.pts + later
                        packet.stream = streams[packet.stream.index]
                        made.mux(packet)


if __name__ == "__main__":
    main()
