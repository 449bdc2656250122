"""One photo after the other gets its place in the target, each step told to the journal first."""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from pilah.errors import ImageError
from pilah.sorting.bins import Bin, bin_of_faces
from pilah.sorting.crops import write_crop
from pilah.sorting.journal import SCRATCH, Journal, JournalError
from pilah.sorting.records import Entry, Placed
from pilah.sorting.transfer import Mode, digest_of, draft_of, place, remove_original, take_back
from pilah.sorting.walk import Photo, reason_of
from pilah.types import Result

STOPPING = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG}
"""What the system answers when not only this photo but every further one would fail."""

MAX_NAME = 255
"""Bytes in a file's name, on every usual file system."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What will appear at `path` (relative to the target); at `file` it lies ready until then."""

    file: str
    path: str
    placed: Placed


class Placing:
    """Puts photos into the bins of one target whose journal is open.

    What an earlier run was in the middle of is put back first.
    """

    def __init__(
        self, journal: Journal, target: Path, *, mode: Mode, tree: bool, faces: bool
    ) -> None:
        """Put back what was interrupted.

        Raises:
            OSError: the target cannot be written to.
        """
        self._journal = journal
        self._target = target
        self._mode: Mode = mode
        self._tree = tree
        self._faces = faces
        self._scratch = target / SCRATCH
        self._scratch.mkdir(exist_ok=True)
        self._clear_scratch()
        for entry in journal.state.interrupted:
            self._put_back(entry)
        self._taken = {
            placed.path for entry in journal.state.entries.values() for placed in entry.files
        }
        self._next: dict[str, int] = {}
        self._folders: set[str] = set()

    def put(self, photo: Photo, result: Result, bin: Bin) -> None:
        """Give a photo its place; one that cannot be read or placed is told to the journal.

        Raises:
            OSError: nothing more can be placed; the target is full, or its journal is.
        """
        try:
            while not self._try_to_put(photo, result, bin):
                pass
        except (ImageError, OSError) as error:
            with suppress(OSError):
                self._clear_scratch()
            if isinstance(error, ImageError):
                self.fail(photo.source, str(error))
            elif isinstance(error, JournalError) or error.errno in STOPPING:
                raise
            else:
                self.fail(photo.source, result.error or reason_of(error))

    def fail(self, source: str, reason: str) -> None:
        """Tell the journal that a photo could not be read or put anywhere.

        Raises:
            OSError: the journal cannot be written.
        """
        if self._journal.state.failed.get(source) != reason:
            self._journal.append({"failed": source, "error": reason})

    def close(self) -> None:
        """Leave no scratch folder behind."""
        with suppress(OSError):
            self._scratch.rmdir()

    def _try_to_put(self, photo: Photo, result: Result, bin: Bin) -> bool:
        """Place a photo; False if another program took one of the names in this very moment."""
        drafts = list(self._drafts(photo, result, bin))
        number = self._journal.state.last_number + 1
        files = tuple(draft.placed for draft in drafts)
        entry = Entry(number, photo.source, photo.size, photo.mtime_ns, bin, files)
        self._journal.append(entry.to_line(result), durable=True)
        try:
            for draft in drafts:
                path = os.path.join(self._target, draft.path)
                if self._mode == "link":
                    os.symlink(photo.source, path)
                else:
                    place(draft.file, path)
                if self._mode == "move":
                    remove_original(entry, path)
        except OSError as error:
            self._put_back(entry)
            if isinstance(error, FileExistsError):
                return False
            raise
        self._journal.append({"done": number})
        return True

    def _drafts(self, photo: Photo, result: Result, bin: Bin) -> Iterator[Draft]:
        name = os.path.basename(photo.source)
        if self._faces:
            for count, face in enumerate(result.faces, start=1):
                file = os.path.join(self._scratch, str(count))
                write_crop(photo.source, face.box, file)
                os.utime(file, ns=(photo.mtime_ns, photo.mtime_ns))
                wish = f"{PurePath(name).stem} face {count}.jpg"
                yield self._draft(file, bin_of_faces((face,)), photo, wish, digest_of(file))
        elif self._mode == "link":
            path = self._free_path(bin, photo, name)
            yield Draft("", path, Placed(path, 0, 0, None))
        else:
            file = os.path.join(self._scratch, "0")
            digest = draft_of(photo.source, file, self._mode)
            yield self._draft(file, bin, photo, name, digest)

    def _draft(self, file: str, bin: Bin, photo: Photo, wish: str, digest: str | None) -> Draft:
        status = os.stat(file)
        path = self._free_path(bin, photo, wish)
        return Draft(file, path, Placed(path, status.st_size, status.st_mtime_ns, digest))

    def _free_path(self, bin: Bin, photo: Photo, name: str) -> str:
        """Where a file may appear: its own name, or the first of `name (2)`, `name (3)`… free."""
        folder = os.path.join(bin, photo.folder) if self._tree and photo.folder else bin
        self._make_folder(folder)
        wish = os.path.join(folder, name)
        stem, suffix = os.path.splitext(name)
        count = self._next.get(wish, 1)
        while True:
            mark = f" ({count})" if count > 1 else ""
            path = os.path.join(folder, shortened(stem, mark + suffix))
            count += 1
            if path not in self._taken and not os.path.lexists(os.path.join(self._target, path)):
                self._next[wish] = count
                self._taken.add(path)
                return path

    def _make_folder(self, folder: str) -> None:
        if folder in self._folders:
            return
        above = os.path.dirname(folder)
        if above:
            self._make_folder(above)
        path = os.path.join(self._target, folder)
        if not os.path.isdir(path):
            self._journal.append({"folder": folder}, durable=True)
            os.mkdir(path)
        self._folders.add(folder)

    def _put_back(self, entry: Entry) -> None:
        obstacles = [
            take_back(os.path.join(self._target, placed.path), placed, entry, self._mode)
            for placed in entry.files
        ]
        # A move that was finished but for its last line, and that the user went on with, is done.
        is_gone = self._mode == "move" and not os.path.lexists(entry.source)
        word = "done" if is_gone and "changed" in obstacles else "dropped"
        self._journal.append({word: entry.number})

    def _clear_scratch(self) -> None:
        # Whatever lies here is a draft: a copy, or one of two names of a file.
        for path in self._scratch.iterdir():
            path.unlink()


def shortened(stem: str, ending: str) -> str:
    """A file name from its stem and ending, the stem cut so that the name is not too long."""
    while stem and len(os.fsencode(stem + ending)) > MAX_NAME:
        stem = stem[:-1]
    return stem + ending
