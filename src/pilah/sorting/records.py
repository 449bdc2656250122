"""What the journal says: its lines, and the state of a sort that follows from them.

The journal is `DIR/.pilah/journal.jsonl`, one JSON object a line, only ever appended to:

    {"pilah": 1, "options": {…}, "sources": […], "made_target": true}      the header
    {"folder": "female/2019"}                            before a folder is made in DIR
    {"intend": 7, "source": "/…/a.jpg", "size": …, "mtime_ns": …, "bin": "female",
     "files": [{"path": "female/a.jpg", "size": …, "mtime_ns": …, "digest": "…"}],
     "result": {…}}                                      before photo 7 is touched
    {"done": 7}                                          after it
    {"dropped": 7}                                       it was given up and is as it was before
    {"failed": "/…/b.jpg", "error": "…"}                 it could not be read or put anywhere
    {"artifact": "report.html"}                          before a report file is written
    {"artifact": "report.html", "size": …, "digest": …}  after it
    {"undo": 7}                                          before an undo touches photo 7

`source` is absolute, every `path` is relative to DIR; text that is not UTF-8 is kept as surrogate
escapes. `files` holds one file (the photo), or one for each face with `--faces`, or none. `digest`
is BLAKE2b of the content, null for a moved or linked photo, whose content was not read. `result`
is the whole `Result`, so a report needs the journal alone.

An `intend` line without `done` is all that a kill can leave behind: what it names is put back
before anything else is done. A last line without its line end was being written; it is ignored.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pilah.errors import SortError
from pilah.sorting.bins import Bin
from pilah.types import Box, Face, Result

FORMAT = 1

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Placed:
    """A file that a sort put into its target: where, and how to know it again."""

    path: str
    size: int
    mtime_ns: int
    digest: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """What a sort does to one photo; `size` and `mtime_ns` are those of the source."""

    number: int
    source: str
    size: int
    mtime_ns: int
    bin: Bin
    files: tuple[Placed, ...]

    @property
    def key(self) -> tuple[str, int, int]:
        """What makes it the same photo again: path, size and time."""
        return self.source, self.size, self.mtime_ns

    def to_line(self, result: Result) -> Line:
        """The `intend` line."""
        line = {"intend": self.number, **asdict(self), "result": asdict(result)}
        del line["number"]
        return line

    @classmethod
    def from_line(cls, line: Line) -> "Entry":
        """Read an `intend` line."""
        files = tuple(Placed(**placed) for placed in line["files"])
        return cls(
            line["intend"], line["source"], line["size"], line["mtime_ns"], line["bin"], files
        )


@dataclass(slots=True)
class State:
    """A sort as its journal tells it.

    `entries` are all that were intended and not dropped; those not in `done` were interrupted.
    `artifacts` maps a report file to its size and digest, None while it is being written.
    """

    options: dict[str, Any] | None = None
    made_target: bool = False
    folders: list[str] = field(default_factory=list)
    entries: dict[int, Entry] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    undone: set[int] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, tuple[int, str] | None] = field(default_factory=dict)
    last_number: int = 0

    def apply(self, line: Line) -> None:
        """Take one line into account."""
        if "pilah" in line:
            self.options, self.made_target = line["options"], line["made_target"]
        elif "intend" in line:
            entry = Entry.from_line(line)
            self.entries[entry.number] = entry
            self.last_number = entry.number
        elif "done" in line:
            self.done.add(line["done"])
            self.failed.pop(self.entries[line["done"]].source, None)
        elif "dropped" in line:
            del self.entries[line["dropped"]]
        elif "failed" in line:
            self.failed[line["failed"]] = line["error"]
        elif "undo" in line:
            self.undone.add(line["undo"])
        elif "folder" in line:
            self.folders.append(line["folder"])
        elif "artifact" in line:
            known = (line["size"], line["digest"]) if "digest" in line else None
            self.artifacts[line["artifact"]] = known

    @property
    def interrupted(self) -> list[Entry]:
        """The entries that were begun and not finished."""
        return [entry for number, entry in self.entries.items() if number not in self.done]


def read_state(path: Path) -> State:
    """Replay a journal; its `options` are None where not even the header was written.

    Raises:
        SortError: the journal is damaged, or of a later format.
    """
    state = State()
    for line in read_lines(path):
        state.apply(line)
    return state


def read_lines(path: Path) -> Iterator[Line]:
    """The lines of a journal, without a last one that was cut off.

    Raises:
        SortError: the journal is damaged, or of a later format.
    """
    with path.open("rb") as file:
        for count, raw in enumerate(file, start=1):
            if not raw.endswith(b"\n"):
                return
            try:
                line: Line = json.loads(raw)
                later = line.get("pilah", FORMAT) > FORMAT
            except (ValueError, AttributeError, TypeError):
                raise SortError(
                    f"the journal {path} is damaged at line {count}; bring it back from a backup, "
                    "or sort into a new folder"
                ) from None
            if later:
                raise SortError(f"{path} was written by a later pilah; upgrade pilah")
            yield line


def result_from(line: Line) -> Result:
    """The Result in an `intend` line."""
    raw = line["result"]
    faces = tuple(Face(**{**face, "box": Box(**face["box"])}) for face in raw["faces"])
    size_hw = (raw["size_hw"][0], raw["size_hw"][1]) if raw["size_hw"] else None
    return Result(raw["path"], faces, raw["error"], size_hw)
