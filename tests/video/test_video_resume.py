"""What a kill, Ctrl+C or a full disk leaves behind is completed by the same command."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pilah.files import open_locked
from pilah.video import JOURNAL
from pilah.video.write import NAMES
from tests.video.clips import Actor, collins, hopper, moving, pictures, write_clip

RUN = "from pilah.cli import main; main()"
FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
"""
PATIENCE = 120


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    walks = [
        Actor(hopper(), moving((110, 180, 200), (300, 180, 200), 8)),
        Actor(collins(), moving((540, 180, 200), (440, 180, 200), 8)),
    ]
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", pictures(walks, 8))


def command(clip: Path, target: Path, before: str = "") -> list[str]:
    words = ["video", clip, "--to", target, "--min-face", "0.1", "--fps", "10"]
    return [sys.executable, "-c", before + RUN, *map(str, words)]


def finish(clip: Path, target: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(clip, target), capture_output=True, text=True)


@pytest.fixture(scope="module")
def whole(clip: Path) -> Path:
    target = clip.parent / "whole"
    done = finish(clip, target)
    assert (done.returncode, done.stderr) == (0, "")
    return target


def looks(target: Path) -> int:
    journal = target / JOURNAL
    return journal.read_text().count('"time"') if journal.exists() else 0


def check(target: Path, whole: Path) -> None:
    """That a resumed run has found what one that was not stopped did."""
    assert {path.name for path in target.iterdir()} == {*NAMES, ".pilah"}
    assert [path.name for path in (target / ".pilah").iterdir()] == ["video.jsonl"]
    for name in ("tracks.csv", "subtitles.srt", "summary.json", "tracks.jpg"):
        assert (target / name).read_bytes() == (whole / name).read_bytes(), name
    frames = [pq.read_table(folder / "frames.parquet") for folder in (target, whole)]
    assert frames[0].equals(frames[1])


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_stopped_is_resumed(
    clip: Path, whole: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    target = tmp_path / "out"
    with subprocess.Popen(command(clip, target), stderr=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + PATIENCE
        while looks(target) < 20 and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(ending)
        _, said = process.communicate(timeout=PATIENCE)
    seen = looks(target)
    assert 20 <= seen < 80
    if ending == signal.SIGINT:
        assert process.returncode == 130
        assert said == "pilah: stopped. Run the same command again to resume.\n"
    kept = (target / JOURNAL).read_bytes()
    assert not [name for name in NAMES if (target / name).exists()]
    assert finish(clip, target).returncode == 0
    assert (target / JOURNAL).read_bytes().startswith(kept.rpartition(b"\n")[0])
    check(target, whole)


def test_a_run_that_was_killed_while_it_wrote_is_resumed(
    clip: Path, whole: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    (target / ".pilah").mkdir(parents=True)
    journal = (whole / JOURNAL).read_bytes()
    (target / JOURNAL).write_bytes(journal + b'{"time": "9/1')  # and a line that was cut off
    (target / ".pilah" / "annotated.mp4").write_bytes(b"half")
    (target / "tracks.csv").write_text("the first file was in its place")
    assert finish(clip, target).returncode == 0
    check(target, whole)
    with (target / "tracks.csv").open() as file:
        assert [row["label"] for row in csv.DictReader(file)] == ["male", "female"]


def test_a_full_disk_is_one_line_and_resumed(clip: Path, whole: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    done = subprocess.run(command(clip, target, FULL), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"pilah: error: cannot write into {target} (")
    assert "MB free); make room" in done.stderr and done.stderr.count("\n") == 1
    assert not [name for name in NAMES if (target / name).exists()]
    assert finish(clip, target).returncode == 0
    check(target, whole)


def test_two_at_once_do_not_mix(clip: Path, whole: Path, tmp_path: Path) -> None:
    held = open_locked(whole / JOURNAL, create=False)
    try:
        done = finish(clip, whole)
    finally:
        os.close(held)
    assert done.returncode == 2 and "another pilah writes into" in done.stderr


@pytest.mark.parametrize(
    "lines",
    [
        '{"time": \n{"time": "1/5"}\n',
        "5\n",
        "null\n",
        '"time"\n',
        '{"time": null}\n',
        '{"time": "1/0"}\n',
        '{"time": "1/5"}\n',
        '{"notes": 5}\n',
    ],
)
def test_a_damaged_journal_is_named(clip: Path, whole: Path, tmp_path: Path, lines: str) -> None:
    target = tmp_path / "out"
    (target / ".pilah").mkdir(parents=True)
    begun = (whole / JOURNAL).read_text().splitlines(keepends=True)[0]
    (target / JOURNAL).write_text(begun + lines)
    done = finish(clip, target)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"{target / JOURNAL} is damaged; delete it to begin anew" in done.stderr


@pytest.mark.parametrize("text", ["{", "{}", "[]", "5"])
def test_a_damaged_summary_is_written_again(
    clip: Path, whole: Path, tmp_path: Path, text: str
) -> None:
    target = tmp_path / "out"
    shutil.copytree(whole, target)
    (target / "summary.json").write_text(text)
    assert finish(clip, target).returncode == 0
    check(target, whole)


def test_a_video_that_was_changed_is_named(clip: Path, whole: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    shutil.copytree(whole, target)
    kept = clip.stat()
    os.utime(clip, (0, 0))
    try:
        done = finish(clip, target)
    finally:
        os.utime(clip, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"{clip} was changed since {target} was begun; give another --to" in done.stderr
