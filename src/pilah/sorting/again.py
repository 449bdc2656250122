"""A target is sorted into again: which photos are new, and which are worth another try?"""

import os
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pilah.sorting.moved import is_in_place
from pilah.sorting.records import Entry, State
from pilah.sorting.transfer import Mode, begins_with, is_same_content
from pilah.sorting.walk import Found, PhotoFile

READERS = ("pilah", "pillow", "pillow-heif", "rawpy")


def new_photos(found: Found, newest: dict[str, Entry]) -> list[PhotoFile]:
    """Those that the sort has not dealt with, or that have another content now."""
    return [photo for photo in found.photos if not _is_known(photo, newest.get(photo.source))]


def _is_known(photo: PhotoFile, earlier: Entry | None) -> bool:
    return earlier is not None and (
        photo.key == earlier.key
        or is_same_content(photo.source, earlier.size, earlier.mtime_ns, earlier.digest)
    )


def to_retry(state: State, sources: list[str], target: Path, mode: Mode) -> list[Entry]:
    """The unreadable photos in `sources` that may be readable now.

    Those of which the readers of today may know more, and those that were cut off: whoever has
    another content by now is a new photo.
    """
    readers = installed_readers()
    roots = [os.path.abspath(source) for source in sources]
    retried = {
        entry.number: [entry]
        for entry in state.newest.values()
        if entry.bin == "unreadable"
        and (entry.readers != readers or (mode == "copy" and _was_cut_off(entry)))
        and any(Path(entry.source).is_relative_to(root) for root in roots)
    }
    for entry in state.entries.values():
        if entry.companion_of in retried:
            retried[entry.companion_of].append(entry)
    return [
        members[0]
        for members in retried.values()
        if all(can_take_out(member, target, mode) for member in members)
        and not (mode == "copy" and any(map(is_last, members)))
    ]


def installed_readers() -> str:
    """The packages that read photos, with their versions: `pilah 0.1.0, pillow 11.3.0`."""
    found = []
    for name in READERS:
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return ", ".join(found)


def can_take_out(entry: Entry, target: Path, mode: Mode) -> bool:
    """Whether nothing is lost when a finished photo is put back to be sorted again.

    It must lie where the sort put it, so that no correction is overruled, and its first place must
    be free after a move, and still have the photo after a copy.
    """
    if not all(is_in_place(target, placed, entry, mode) for placed in entry.files):
        return False
    return os.path.lexists(entry.source) != (mode == "move")


def is_last(entry: Entry) -> bool:
    """Whether a copy may be all that is left of its content, for its original is not the same."""
    return not (
        is_same_content(entry.source, entry.size, entry.mtime_ns, entry.digest)
        or _was_cut_off(entry)
    )


def _was_cut_off(entry: Entry) -> bool:
    """Whether the original has all of the copy's content and more: its transfer has gone on."""
    return begins_with(entry.source, entry.size, entry.digest)


def is_made_anew(entry: Entry, target: Path, mode: Mode, *, faces: bool) -> bool:
    """Whether what was made of a file goes when the file has another content.

    A link and a crop can be made again, but a copy may be the last of the earlier content.
    """
    return (mode == "link" or faces) and can_take_out(entry, target, mode)
