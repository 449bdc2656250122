"""What a run has seen is written down at once, so that the next run goes on after a kill.

One JSON object per line in `.pilah/video.jsonl` of the target: first what is followed and how, then
each look, at last what could not be read of the video. Only one process writes at a time. A last
line without its end was being written; it is cut off.
"""

import json
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from pilah.errors import VideoError
from pilah.files import open_locked
from pilah.video import JOURNAL
from pilah.video.look import Look
from pilah.wording import shown

FORMAT = 1

DAMAGE = (ValueError, TypeError, KeyError, AttributeError, ZeroDivisionError)
"""What reading raises where a file is JSON, or nearly, but not what was written."""


class Journal:
    """An open, locked journal; use it as a context.

    `count` is how many looks are in it, `last` the time of the last one, and `notes` what could not
    be read of the video, None where it was not yet seen to its end.
    """

    def __init__(self, target: Path, asked: dict[str, Any]) -> None:
        """Open the journal of a target, or begin one.

        Args:
            target: the folder; it exists.
            asked: which video, and how it is followed, as JSON has it; the same in each run.

        Raises:
            VideoError: another process has it, it is damaged, or it is of another video.
            OSError: it cannot be written.
        """
        self.path = target / JOURNAL
        self.path.parent.mkdir(exist_ok=True)
        self.count = 0
        self.last: Fraction | None = None
        self.notes: list[str] | None = None
        try:
            self._descriptor = open_locked(self.path, create=True)
        except BlockingIOError:
            raise VideoError(
                f"another pilah writes into {shown(target)}; wait for it, or give another --to"
            ) from None
        try:
            self._begin(target, {"format": FORMAT, **asked})
        except BaseException:
            os.close(self._descriptor)
            raise

    def __enter__(self) -> Self:
        """Use it in a `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it, which gives the lock back."""
        os.close(self._descriptor)

    def looks(self) -> Iterator[Look]:
        """The looks of earlier runs.

        Raises:
            VideoError: the journal is damaged.
        """
        for line in self._lines():
            if "time" in line:
                try:
                    look = Look.from_json(line)
                except DAMAGE:
                    raise self._damaged() from None
                yield look

    def add(self, look: Look) -> None:
        """Write a look down.

        Raises:
            OSError: the disk is full or fails.
        """
        self._append(look.to_json())
        self._note(look.time)

    def end(self, notes: list[str]) -> None:
        """Write down that the video was seen to its end, and what could not be read.

        Raises:
            OSError: the disk is full or fails.
        """
        self.notes = notes
        self._append({"notes": notes})

    def _note(self, time: Fraction) -> None:
        self.count += 1
        self.last = time

    def _begin(self, target: Path, asked: dict[str, Any]) -> None:
        self._cut_torn_line()
        try:
            first = None
            for line in self._lines():
                first = first or line
                if "time" in line:
                    self._note(Fraction(line["time"]))
                if "notes" in line:
                    self.notes = [*map(str, line["notes"])]
        except DAMAGE:
            raise self._damaged() from None
        if first is None:
            self._append(asked)
        elif first != asked:
            other = [name for name in asked if asked[name] != first.get(name)]
            if {"size", "mtime_ns"} & {*other} and "video" not in other:
                raise VideoError(
                    f"{shown(asked['video'])} was changed since {shown(target)} was begun; give "
                    "another --to"
                )
            was = ", ".join(f"{name} {shown(str(first.get(name)))}" for name in other)
            now = ", ".join(f"{name} {shown(str(asked[name]))}" for name in other)
            raise VideoError(
                f"{shown(target)} is of {was}, not of {now}; give another --to, or the same again"
            )

    def _damaged(self) -> VideoError:
        return VideoError(f"{shown(self.path)} is damaged; delete it to begin anew")

    def _cut_torn_line(self) -> None:
        with open(self.path, "rb") as file:
            file.seek(0, os.SEEK_END)
            size = end = file.tell()
            while end:
                start = max(0, end - 65_536)
                file.seek(start)
                line_end = file.read(end - start).rfind(b"\n")
                if line_end >= 0:
                    end = start + line_end + 1
                    break
                end = start
        if end < size:
            os.ftruncate(self._descriptor, end)

    def _lines(self) -> Iterator[dict[str, Any]]:
        with self.path.open(encoding="utf-8") as file:
            yield from map(json.loads, file)

    def _append(self, line: dict[str, Any]) -> None:
        raw = json.dumps(line).encode() + b"\n"
        written = os.write(self._descriptor, raw)
        while written < len(raw):  # the disk was full for a moment, or still is
            written += os.write(self._descriptor, raw[written:])
