"""Paths that a command is given: named, or listed on standard input."""

import os
import sys
from collections.abc import Iterator

from pilah.errors import PilahError
from pilah.lines import paths_in


def in_portions(named: list[str], *, end: bytes) -> Iterator[list[str]]:
    """The paths, in portions: on standard input none waits for one that comes later.

    Args:
        named: the paths; `-` stands for those on standard input, which come first.
        end: what each path on standard input ends with, a line feed or a null byte.

    Raises:
        PilahError: standard input is closed, or `end` is a null byte and no path is `-`.
    """
    if end == b"\0" and "-" not in named:
        raise PilahError("-0 applies to paths on standard input; add - to read them")
    if "-" in named:
        for paths in paths_in(_chunks(), end=end):
            yield [os.fsdecode(path) for path in paths]
    if rest := [path for path in named if path != "-"]:
        yield rest


def _chunks() -> Iterator[bytes]:
    if sys.stdin is None:
        raise PilahError("standard input is closed; give paths, or pipe a list of them")
    while chunk := os.read(sys.stdin.fileno(), 1 << 16):
        yield chunk
