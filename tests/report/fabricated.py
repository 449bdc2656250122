"""Answers that no model gave."""

from collections.abc import Callable
from pathlib import Path

from pilah.types import Box, Face, Result

Sort = Callable[[dict[str, Result]], Path]
"""Sorts photos of these names, with these answers, into a folder, and returns it."""

MIN_CONFIDENCE = 0.8


def face(p_male: float) -> Face:
    label = "male" if p_male >= 0.5 else "female"
    confident = max(p_male, 1 - p_male) >= MIN_CONFIDENCE
    return Face(Box(8.0, 4.0, 40.0, 44.5), label if confident else None, p_male, 0.9)


def photo(*p_male: float) -> Result:
    """A photo of 64 by 48 pixels with a face for each probability."""
    return Result(None, tuple(face(p) for p in p_male), None, (48, 64))


def broken(error: str) -> Result:
    return Result(None, (), error)
