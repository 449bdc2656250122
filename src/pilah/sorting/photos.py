"""Where is every photo of a sort now, and what does a person say that it shows?

The folders are the interface: whoever moves a photo from `male/` to `female/` corrects the model,
and whoever deletes one takes it out of the count. What the folders hold now is compared with the
journal; nothing is guessed and nothing is written down.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import cast

from pilah.sorting.bins import BINS, Bin, By, deciding
from pilah.sorting.journal import no_sort
from pilah.sorting.moved import find_moved, is_in_place
from pilah.sorting.records import JOURNAL, Entry, Line, State, read_lines, read_state
from pilah.sorting.transfer import Mode
from pilah.types import LABELS, Face, Result


@dataclass(frozen=True, slots=True)
class Crop:
    """One face with `--faces`: the bin that it was put into, and where its crop is now.

    `folder` and `destination` are as in `SortedPhoto`.
    """

    bin: Bin
    folder: Bin | None
    destination: str | None


@dataclass(frozen=True, slots=True)
class SortedPhoto:
    """One photo of a sort.

    `source` is its absolute path before the sort, `bin` what the sort decided. `destination` is
    where it is now, below the target as it was given; None where it is nowhere there, and with
    `--faces`. `folder` is the bin in which it lies now, None where a person took it out or it could
    not be placed, and with `--faces`; `not_placed` is why it could not be placed. `faces` are those
    of `result` with their labels as corrected by a person. `crops` has one for each face of
    `result` with `--faces`, else it is None.
    """

    source: str
    bin: Bin
    destination: str | None
    result: Result
    folder: Bin | None
    faces: tuple[Face, ...] = ()
    crops: tuple[Crop, ...] | None = None
    not_placed: str | None = None

    @property
    def corrected(self) -> bool:
        """Whether a person moved the photo, or one of its crops, to another folder, or deleted it.

        A photo that is not placed is not corrected.
        """
        if self.crops is not None:
            return any(crop.folder != crop.bin for crop in self.crops)
        return self.folder != self.bin and self.not_placed is None

    @property
    def folders(self) -> tuple[Bin, ...]:
        """The bins in which something of the photo lies: itself, or its crops with `--faces`."""
        lies_in = [self.folder] if self.crops is None else [crop.folder for crop in self.crops]
        return tuple(filter(None, lies_in))


def read_results(target: Path) -> Iterator[SortedPhoto]:
    """Every photo that a sort has dealt with, one at a time; see `photos_of`.

    Photos that are not sorted yet are left out, so this may be read while a sort runs.

    Raises:
        SortError: the folder holds no sort, or its journal is damaged.
    """
    path = target / JOURNAL
    if not path.is_file():
        raise no_sort(target)
    yield from photos_of(target, read_state(path, keep=False))


def photos_of(target: Path, state: State) -> Iterator[SortedPhoto]:
    """Every photo that a sort has dealt with: those in their places, then moved ones, then failed.

    Memory grows only with how many photos were moved by hand or failed.

    Args:
        target: the folder that was sorted into.
        state: what its journal says, whose lines are read again one by one.

    Raises:
        SortError: the journal is damaged.
    """
    mode, by, faces = _options(state)
    moved: list[tuple[Line, Entry]] = []
    for line in _done_lines(target, state):
        entry = Entry.from_line(line)
        if entry.companion_of is not None:
            continue
        if all(is_in_place(target, placed, entry, mode) for placed in entry.files):
            yield _photo(target, line, entry, [placed.path for placed in entry.files], by, faces)
        else:
            moved.append((line, entry))
    if moved:
        for line, entry, places in _places(target, state, mode, moved):
            yield _photo(target, line, entry, places, by, faces)
    for source, line in state.failed.items():
        yield failed_photo(source, line, of_faces=faces)


def _options(state: State) -> tuple[Mode, By, bool]:
    options = state.options or {}
    return options.get("mode", "copy"), options.get("by", "foreground"), bool(options.get("faces"))


def _done_lines(target: Path, state: State) -> Iterator[Line]:
    """The `intend` lines of all photos and companions that are done."""
    begun: dict[int, Line] = {}
    for line in read_lines(target / JOURNAL):
        if "intend" in line:
            begun[line["intend"]] = line
        elif "dropped" in line:
            begun.pop(line["dropped"], None)
        elif "done" in line and line["done"] not in state.void and line["done"] in begun:
            yield begun.pop(line["done"])


def _places(
    target: Path, state: State, mode: Mode, moved: list[tuple[Line, Entry]]
) -> Iterator[tuple[Line, Entry, list[str | None]]]:
    """Where the files of photos are that are not all in their places, None for a lost one."""
    wanted = [
        ((entry.number, count), entry, placed)
        for _, entry in moved
        for count, placed in enumerate(entry.files)
        if not is_in_place(target, placed, entry, mode)
    ]
    found = find_moved(target, mode, wanted, map(Entry.from_line, _done_lines(target, state)))
    lost = {key for key, _, _ in wanted} - found.keys()
    others = set(found.values())
    for line, entry in moved:
        places: list[str | None] = []
        for count, placed in enumerate(entry.files):
            place: str | None = found.get((entry.number, count), placed.path)
            if (entry.number, count) in lost and (
                placed.path in others or not os.path.lexists(target / placed.path)
            ):
                place = None  # else it was edited where it lies
            places.append(place)
        yield line, entry, places


def _photo(
    target: Path, line: Line, entry: Entry, places: list[str | None], by: By, of_faces: bool
) -> SortedPhoto:
    result, bin = Result.from_json(line["result"]), entry.bin
    if of_faces:
        crops = tuple(
            Crop(cast(Bin, _top(placed.path)), _folder(place), place and str(target / place))
            for placed, place in zip(entry.files, places, strict=True)
        )
        faces = _relabelled_each(result.faces, crops)
        return SortedPhoto(entry.source, bin, None, result, None, faces, crops)
    (place,) = places
    folder = _folder(place)
    destination = place and str(target / place)
    faces = result.faces if folder == bin else relabelled(result.faces, folder, by)
    return SortedPhoto(entry.source, bin, destination, result, folder, faces)


def failed_photo(source: str, line: Line, *, of_faces: bool) -> SortedPhoto:
    """A photo that has no place: it could not be read, or (with a `result`) not be placed."""
    crops = () if of_faces else None
    if "result" in line:
        result, reason = Result.from_json(line["result"]), line["error"]
        return SortedPhoto(
            source, line["bin"], None, result, None, result.faces, crops, not_placed=reason
        )
    result = Result(source, error=line["error"])
    folder: Bin | None = None if of_faces else "unreadable"
    return SortedPhoto(source, "unreadable", None, result, folder, crops=crops)


def relabelled(faces: tuple[Face, ...], folder: Bin | None, by: By) -> tuple[Face, ...]:
    """The faces of a photo that a person put into `folder`.

    Which label a face has follows where all that are looked at have one; where that cannot be known
    (one of three in `mixed/` is a man), they are unsure. A photo that was taken out, or put where
    no face is, has none.
    """
    if folder in (None, "no_face", "unreadable"):
        return ()
    meant = deciding(faces, by)
    if folder == "mixed" and {face.label for face in meant} == {"female", "male"}:
        return faces
    label = folder if folder in LABELS else None
    return tuple(
        replace(face, label=label) if any(face is one for one in meant) else face for face in faces
    )


def _relabelled_each(faces: tuple[Face, ...], crops: tuple[Crop, ...]) -> tuple[Face, ...]:
    kept = []
    for face, crop in zip(faces, crops, strict=True):
        if crop.folder == crop.bin:
            kept.append(face)
        else:
            kept += relabelled((face,), crop.folder, "faces")
    return tuple(kept)


def _top(path: str) -> str:
    return PurePath(path).parts[0]


def _folder(place: str | None) -> Bin | None:
    """The bin that a path relative to the target lies in."""
    return cast(Bin, _top(place)) if place and _top(place) in BINS else None
