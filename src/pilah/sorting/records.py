"""What the journal says: its lines, and the state of a sort that follows from them.

The journal is `DIR/.pilah/journal.jsonl`, one JSON object a line, only ever appended to:

    {"pilah": 2, "options": {…}, "sources": […], "made_target": true}    the header
    {"model": {…}}                                       the description of the model
    {"walked": ["/…/photos"], "roots": {"/…/photos": [dev, inode]}, "skipped": {"video": 18},
     "videos": ["/…/photos/party.mp4"]}
                                                         what one run was given, and left out
    {"folder": "female/2019"}                            before a folder is made in DIR
    {"intend": 7, "source": "/…/a.jpg", "size": …, "mtime_ns": …, "digest": "…", "bin": "female",
     "files": [{"path": "female/a.jpg", "size": …, "mtime_ns": …, "digest": "…"}],
     "result": {…}}                                      before photo 7 is touched
    {"intend": 8, "companion_of": 7, …}                  and its companion, which has no result
    {"done": 8}                                          after it
    {"done": 7}                                          after the photo, which comes last
    {"reopened": 7}                                      before a finished photo is taken back
    {"dropped": 7}                                       it was given up and is as it was before
    {"failed": "/…/b.jpg", "error": "…"}                 it could not be read
    {"failed": "/…/b.jpg", "error": "…", "bin": "male", "result": {…}}     or not be placed
    {"cleared": "/…/b.jpg"}                              and that is no longer so
    {"artifact": "report.html"}                          before a report file is written
    {"artifact": "report.html", "size": …, "digest": …}  after it
    {"undo": 7}                                          before an undo touches photo 7
    {"restored": 7}                                      after it
    {"changed": 7}                                       it was changed, and left to the user

`source` is absolute, every `path` is relative to DIR; text that is not UTF-8 is kept as surrogate
escapes. `files` holds one file (the photo), or one for each face with `--faces`, or none. `digest`
is BLAKE2b of the content, null for a link or what could not be read. `result` is the whole
`Result`, so a report needs the journal alone. Two more keys are there when they say something:
`replaces` is the number of an earlier copy of the same path, whose content was another; `readers`,
of an unreadable photo, is what read photos then. Unknown keys are ignored.

An `intend` line without `done` is all that a kill can leave behind, and so is a companion whose
photo is not done: what they name is put back before anything else is done. A last line without its
line end was being written; it is ignored.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from pilah.errors import SortError
from pilah.journals import JOURNALS
from pilah.sorting.bins import Bin
from pilah.types import Result

FORMAT = 2

JOURNAL = JOURNALS["sort"]
"""Where a sort keeps its journal, inside its target."""

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Placed:
    """A file that a sort put into its target: where, and how to know it again."""

    path: str
    size: int
    mtime_ns: int
    digest: str | None

    @classmethod
    def from_line(cls, line: Line) -> "Placed":
        """Read one of the `files` of an `intend` line."""
        return cls(line["path"], line["size"], line["mtime_ns"], line["digest"])


@dataclass(frozen=True, slots=True)
class Entry:
    """What a sort does to one photo or companion.

    `size`, `mtime_ns` and `digest` are those of the source; `companion_of`, `replaces` and
    `readers` are described above.
    """

    number: int
    source: str
    size: int
    mtime_ns: int
    bin: Bin
    files: tuple[Placed, ...]
    digest: str | None = None
    companion_of: int | None = None
    replaces: int | None = None
    readers: str | None = None

    @property
    def key(self) -> tuple[str, int, int]:
        """What makes it the same photo again: path, size and time."""
        return self.source, self.size, self.mtime_ns

    def to_line(self, result: Result | None = None) -> Line:
        """The `intend` line."""
        line: Line = {"intend": self.number}
        # one by one: `asdict` copies deeply, which takes a tenth of the time that placing takes
        for name in _ENTRY:
            value = getattr(self, name)
            if value is not None:
                line[name] = value
        line["files"] = [asdict(placed) for placed in self.files]
        if result is not None:
            line["result"] = result.to_json()
        return line

    @classmethod
    def from_line(cls, line: Line) -> "Entry":
        """Read an `intend` line."""
        known = {key: value for key, value in line.items() if key in _ENTRY}
        known["files"] = tuple(map(Placed.from_line, line["files"]))
        if "digest" not in known and len(known["files"]) == 1:
            known["digest"] = known["files"][0].digest  # as earlier journals have it
        return cls(number=line["intend"], **known)


_ENTRY = tuple(field.name for field in fields(Entry) if field.name != "number")


@dataclass(slots=True)
class State:
    """A sort as its journal has it.

    With `keep` false, for a report, `entries` holds only what is not finished yet, so that memory
    does not grow with the number of photos, and `done` stays empty.

    `entries` are all that were intended and not dropped; those not in `done` were interrupted.
    `newest` maps a path to what was done last with it. `void` has those that were done once and
    count no more: taken back, or replaced. `changed` has those that an undo left as they are.
    `failed` maps a path to its line, `artifacts` a report file to its size and digest, None while
    it is being written. `walked` maps the sources of a run to what it skipped, of runs that overlap
    the last one's, `videos` to the first videos among that, `roots` each folder that photos came
    from to its identity (`origin.py`).
    """

    keep: bool = True
    options: dict[str, Any] | None = None
    model: dict[str, Any] | None = None
    made_target: bool = False
    sources: list[str] = field(default_factory=list)
    walked: dict[tuple[str, ...], dict[str, int]] = field(default_factory=dict)
    videos: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    roots: dict[str, list[int]] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    entries: dict[int, Entry] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    newest: dict[str, Entry] = field(default_factory=dict)
    void: set[int] = field(default_factory=set)
    undone: set[int] = field(default_factory=set)
    restored: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    failed: dict[str, Line] = field(default_factory=dict)
    artifacts: dict[str, tuple[int, str] | None] = field(default_factory=dict)
    last_number: int = 0

    def apply(self, line: Line) -> None:
        """Take one line into account."""
        if "pilah" in line:
            self.options, self.made_target = line["options"], line["made_target"]
            self.sources = line["sources"]
        elif "intend" in line:
            entry = Entry.from_line(line)
            self.entries[entry.number] = entry
            self.last_number = entry.number
        elif "done" in line:
            self._finish(line["done"])
        elif "reopened" in line:
            number = line["reopened"]
            self.done.discard(number)
            self.void.add(number)
            if self.keep:
                self.newest.pop(self.entries[number].source, None)
        elif "dropped" in line:
            self.entries.pop(line["dropped"], None)
        elif "failed" in line:
            self.failed[line["failed"]] = line
        elif "cleared" in line:
            self.failed.pop(line["cleared"], None)
        elif "undo" in line:
            self.undone.add(line["undo"])
        elif "restored" in line:
            self.restored.add(line["restored"])
        elif "changed" in line:
            self.changed.add(line["changed"])
        elif "folder" in line:
            self.folders.append(line["folder"])
        elif "artifact" in line:
            known = (line["size"], line["digest"]) if "digest" in line else None
            self.artifacts[line["artifact"]] = known
        elif "model" in line:
            self.model = line["model"]
        elif "walked" in line:
            self._forget_walks(line["walked"])
            self.walked[tuple(line["walked"])] = line["skipped"]
            self.videos[tuple(line["walked"])] = line.get("videos", [])
            self.roots |= line["roots"]

    def _forget_walks(self, sources: list[str]) -> None:
        """Forget what earlier runs skipped in the same folders, so that nothing counts twice."""
        for walk in [walk for walk in self.walked if _overlap(walk, sources)]:
            del self.walked[walk], self.videos[walk]

    def _finish(self, number: int) -> None:
        entry = self.entries.get(number)
        if entry is None:  # done once more, after it could not be taken back
            self.void.discard(number)
            return
        self.failed.pop(entry.source, None)
        if entry.replaces is not None:
            self.void.add(entry.replaces)
        self.void.discard(number)
        if not self.keep:
            del self.entries[number]
            return
        self.done.add(number)
        if entry.companion_of is None:
            self.newest[entry.source] = entry

    @property
    def interrupted(self) -> list[Entry]:
        """The entries that were started and not finished, a photo together with its companions."""
        return [
            entry
            for number, entry in self.entries.items()
            if number not in self.done
            or (entry.companion_of is not None and entry.companion_of not in self.done)
        ]

    @property
    def skipped(self) -> dict[str, int]:
        """How many files were left out, by kind, all runs together."""
        total: dict[str, int] = {}
        for counts in self.walked.values():
            for kind, number in counts.items():
                total[kind] = total.get(kind, 0) + number
        return total


def _overlap(some: Iterable[str], others: Iterable[str]) -> bool:
    one, other = set(some), set(others)
    return any(map(one.__contains__, _with_parents(other))) or any(
        map(other.__contains__, _with_parents(one))
    )


def _with_parents(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        yield path
        yield from map(str, Path(path).parents)


def read_state(path: Path, *, keep: bool = True) -> State:
    """Replay a journal; its `options` are None where not even the header was written.

    Args:
        path: the journal.
        keep: whether to keep what is finished; see `State`.

    Raises:
        SortError: the journal is damaged, or of a later format.
    """
    state = State(keep)
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
