"""Photos that are classified, photos that end who reads them, and what the shards then say."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import skimage.data
from PIL import Image

RUN = "from pilah.cli import main; main()"
PATIENCE = 120

ENDS_ITS_READER, ENDS_ITS_ACTOR = (97, 96), (98, 96)
FATAL = f"""
import os, signal
from PIL import JpegImagePlugin

def _open(self, real=JpegImagePlugin.JpegImageFile._open):
    real(self)
    if self.size == {ENDS_ITS_ACTOR}:
        os.kill(os.getppid(), signal.SIGKILL)
    if self.size in ({ENDS_ITS_READER}, {ENDS_ITS_ACTOR}):
        os.kill(os.getpid(), signal.SIGKILL)

JpegImagePlugin.JpegImageFile._open = _open
"""
"""What every Python of a run does first, so that photos of two sizes end who decodes them."""


def face(size: tuple[int, int] = (96, 96)) -> Image.Image:
    return Image.fromarray(skimage.data.astronaut()).crop((120, 0, 330, 210)).resize(size)


def write_photos(folder: Path, number: int, start: int = 0) -> Path:
    """So many small photos of one face."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(start, start + number):
        face().save(folder / f"{index:04}.jpg")
    return folder


def environment(scratch: Path) -> dict[str, str]:
    """That of a run in which photos can be fatal; `scratch` marks its processes, too."""
    fatal = scratch / "fatal"
    fatal.mkdir(exist_ok=True)
    (fatal / "sitecustomize.py").write_text(FATAL)
    return {**os.environ, "PYTHONPATH": str(fatal), "PILAH_RUN": str(scratch)}


def start(scratch: Path, *words: object, before: str = "") -> "subprocess.Popen[str]":
    """A run, in a folder with a file that no process of it may take for a library."""
    here = scratch / "here"
    here.mkdir(exist_ok=True)
    (here / "PIL.py").write_text("raise SystemExit('imported from the working directory')")
    return subprocess.Popen(
        [sys.executable, "-P", "-c", before + RUN, "classify", *map(str, words)],
        cwd=here,
        env=environment(scratch),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(scratch: Path, *words: object, before: str = "") -> tuple[int, str, str]:
    process = start(scratch, *words, before=before)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def rows(target: Path) -> list[dict[str, Any]]:
    return [
        row for path in sorted(target.glob("part-*")) for row in pq.read_table(path).to_pylist()
    ]


def once(target: Path) -> dict[str, dict[str, Any]]:
    """The rows by path, each of which is there once."""
    found = rows(target)
    assert set(Counter(row["path"] for row in found).values()) <= {1}
    return {row["path"]: row for row in found}


def summary(target: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((target / "summary.json").read_text())
    return read


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def processes(scratch: Path, text: str = "") -> list[int]:
    """Processes of a run that are there, by what their environment and command line have."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            marks = (folder / "environ").read_bytes().split(b"\0")
            of_run = f"PILAH_RUN={scratch}".encode() in marks
            if of_run and text.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found
