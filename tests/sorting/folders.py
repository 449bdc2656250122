"""Folders before and after, and answers without a model."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

import pilah
from pilah.types import Box, Face, Label, Result

ENV = {**os.environ, "PYTHONPATH": str(Path(pilah.__file__).parent.parent)}
PILAH = [sys.executable, "-c", "from pilah.cli import main; main()"]

LABELS: dict[str, Label | None] = {"f": "female", "m": "male", "u": None}


def run(*arguments: str | bytes | Path) -> tuple[int, str, str]:
    done = subprocess.run([*PILAH, *arguments], env=ENV, capture_output=True, timeout=120)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def tree_of(folder: Path) -> dict[str, tuple[str, int]]:
    """Every path below a folder, with its content or link target and, for files, mtime_ns."""
    tree = {}
    for top, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(top, name)
            kept = os.path.relpath(path, folder)
            if os.path.islink(path):
                tree[kept] = ("link to " + os.readlink(path), 0)
            elif os.path.isfile(path):
                content = Path(path).read_bytes()
                tree[kept] = (hashlib.sha256(content).hexdigest(), os.stat(path).st_mtime_ns)
            else:
                tree[kept] = ("folder" if os.path.isdir(path) else "special", 0)
    return tree


def write_photos(folder: Path, count: int) -> None:
    """Small photos of all kinds, in sub-folders, some with one name, each with its own time.

    Every second one has a companion.
    """
    random = np.random.default_rng(0)
    face_rgb = Image.fromarray(skimage.data.astronaut()).crop((120, 0, 330, 210))
    for number in range(count):
        place = folder / f"sub{number % 3}"
        place.mkdir(parents=True, exist_ok=True)
        path = place / f"{number // 2}.jpg"
        if number % 5 == 0:
            face_rgb.resize((90 + number % 7, 90)).save(path)
        elif number % 11 == 7:
            path.write_bytes(b"not a photo %d" % number)
        else:
            noise = random.integers(0, 256, (40, 40 + number % 9, 3), dtype=np.uint8)
            Image.fromarray(noise).save(path)
        os.utime(path, ns=(10**18, 10**18 + number))
        if number % 2:
            write(path.with_suffix(".xmp"), f"edit of {number}", time=10**18 + number)


def face(label: Label | None, size: float = 10) -> Face:
    p_male = {"female": 0.1, "male": 0.9, None: 0.5}[label]
    return Face(Box(0, 0, size, size), label, p_male, 1.0)


def answers(paths: Iterable[str]) -> Iterator[Result]:
    """A Result told by the first word of the name: `fm-x.jpg` shows a woman and a man."""
    for path in paths:
        kinds = os.path.basename(path).split("-")[0]
        if kinds == "bad":
            yield Result(path, error="damaged")
        elif kinds == "none":
            yield Result(path, size_hw=(9, 9))
        else:
            yield Result(path, tuple(face(LABELS[kind]) for kind in kinds), size_hw=(9, 9))


def write(path: Path, content: str = "", *, time: int = 10**18) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content or path.name)
    os.utime(path, ns=(time, time))
    return path
