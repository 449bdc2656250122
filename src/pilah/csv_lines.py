"""CSV whose lines end with a line feed, and in which any line end inside a cell is quoted.

Python 3.11's writer quotes only what its own line end holds, so that a carriage return in the name
of a photo would split a row.
"""

import csv
from pathlib import Path
from typing import IO, Any


def csv_writer(file: IO[str]) -> Any:
    """A writer as `csv.writer` makes it, for a text file that was opened with `newline=""`."""
    return csv.writer(_LineFeeds(file), lineterminator="\r\n")


def write_csv(frame: Any, path: Path) -> None:
    """Write a pandas table without its index; pandas itself is not needed to import this."""
    with path.open("w", encoding="utf-8", newline="") as file:
        frame.to_csv(_LineFeeds(file), index=False, lineterminator="\r\n")


class _LineFeeds:
    """Takes one row at a time, as `csv.writer` writes it."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, row: str) -> int:
        return self._file.write(row.removesuffix("\r\n") + "\n")
