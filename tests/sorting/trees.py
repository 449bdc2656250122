"""What the tests of sorting share: a folder to sort, an answer for each photo, a tree's hash."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from pilah.types import Box, Face, Result

LABELS = {"f": "female", "m": "male", "u": None}


def results_of(paths: Iterable[str]) -> Iterator[Result]:
    """Answer by the name: a face for each f, m, u before the first `-`; x cannot be read."""
    for path in paths:
        kind = os.path.basename(path).split("-")[0]
        if "x" in kind:
            yield Result(path, error="damaged")
            continue
        faces = tuple(
            Face(Box(0, 0, 4, 4), LABELS[letter], 0.5, 1.0)  # type: ignore[arg-type]
            for letter in kind
            if letter in LABELS
        )
        yield Result(path, faces, size_hw=(8, 8))


def make_photos(folder: Path, names: Iterable[str]) -> None:
    for count, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode("utf-8", "surrogateescape") * 50)
        os.utime(path, ns=(10**18 + count * 1001, 10**18 + count * 1001))


def tree_hash(folder: Path) -> str:
    """Every path below a folder with its type, and a file's bytes, time and link target."""
    lines = []
    for path in sorted(folder.rglob("*"), key=lambda path: os.fsencode(path)):
        status = path.lstat()
        line = [os.fsencode(path.relative_to(folder)), b"%o" % stat.S_IFMT(status.st_mode)]
        if path.is_symlink():
            line.append(os.fsencode(os.readlink(path)))
        elif path.is_file():
            line += [path.read_bytes(), b"%d" % status.st_mtime_ns]
        lines.append(repr(line))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
