"""How is one classified photo put into its bin, with the journal told before and after?"""

import errno
import os
import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path

from pilah.sorting.bins import Bin, bin_of_faces
from pilah.sorting.crops import write_crops
from pilah.sorting.journal import SCRATCH, Journal, JournalError
from pilah.sorting.records import Entry, Placed
from pilah.sorting.transfer import (
    Mode,
    digest_of,
    draft_of,
    is_original,
    place,
    remove_original,
    take_back,
)
from pilah.sorting.walk import Photo, reason_of
from pilah.types import Result

STOPPING = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
"""Errors that would meet every photo after the first."""

MAX_NAME = 255
"""Bytes that a file's name may have, on all common file systems."""


class Placing:
    """Puts photos into the bins of one target."""

    def __init__(self, journal: Journal, *, mode: Mode, tree: bool, faces: bool) -> None:
        """Put back what a killed sort was at, and begin.

        Raises:
            OSError: the target cannot be written to.
        """
        self._journal = journal
        self._target = journal.target
        self._scratch = journal.target / SCRATCH
        self._mode, self._tree, self._faces = mode, tree, faces
        self._counts: Counter[tuple[str, str]] = Counter()
        shutil.rmtree(self._scratch, ignore_errors=True)
        for entry in journal.state.interrupted:
            self._put_back(entry)
        os.mkdir(self._scratch)

    def close(self) -> None:
        """Remove what was only needed while sorting."""
        shutil.rmtree(self._scratch, ignore_errors=True)

    def put(self, photo: Photo, result: Result, bin: Bin) -> None:
        """Put one photo (or its faces) into the bins; a failure of this photo is written down.

        Raises:
            OSError: nothing more can be put into the target, which is as it was before this photo.
        """
        number = self._journal.state.last_number + 1
        try:
            drafts = self._draft(photo, result, bin, number)
            entry = Entry(number, *photo.key, bin, tuple(placed for _, placed in drafts))
            self._journal.append(entry.to_line(result), durable=True)
            self._place(drafts, entry)
        except OSError as error:
            for name in os.listdir(self._scratch):
                os.unlink(self._scratch / name)
            if isinstance(error, JournalError) or error.errno in STOPPING:
                raise
            if number in self._journal.state.entries:
                self._put_back(entry)
            self.fail(photo.source, result.error or reason_of(error))
        else:
            self._journal.append({"done": number})

    def fail(self, source: str, reason: str) -> None:
        """Write down that a file could not be read or put anywhere.

        Raises:
            JournalError: not even that is possible.
        """
        if self._journal.state.failed.get(source) != reason:
            self._journal.append({"failed": source, "error": reason})

    def _draft(
        self, photo: Photo, result: Result, bin: Bin, number: int
    ) -> list[tuple[Path, Placed]]:
        """Make what will be placed, in the scratch folder, and choose its free places."""
        folder = photo.folder if self._tree else ""
        name = os.path.basename(photo.source)
        draft = self._scratch / str(number)
        if self._mode == "link":
            path = self._free_path(os.path.join(bin, folder), name)
            return [(draft, Placed(path, 0, 0, None))]
        if not self._faces:
            digest = draft_of(photo.source, str(draft), self._mode)
            path = self._free_path(os.path.join(bin, folder), name)
            return [(draft, _placed(draft, path, digest))]
        stem = os.path.splitext(name)[0]
        drafts = []
        for count, crop in enumerate(write_crops(photo.source, result, draft), start=1):
            face_bin = bin_of_faces(result.faces[count - 1 : count])
            crop_name = fitted(stem, f" face {count}{crop.suffix}")
            path = self._free_path(os.path.join(face_bin, folder), crop_name)
            drafts.append((crop, _placed(crop, path, digest_of(crop))))
        return drafts

    def _place(self, drafts: list[tuple[Path, Placed]], entry: Entry) -> None:
        for draft, placed in drafts:
            path = self._target / placed.path
            self._make_folder(os.path.dirname(placed.path))
            if self._mode == "link":
                os.symlink(entry.source, path)
            else:
                place(str(draft), str(path))
            if self._mode == "move":
                remove_original(entry, str(path))

    def _put_back(self, entry: Entry) -> None:
        for placed in entry.files:
            take_back(str(self._target / placed.path), placed, entry, self._mode)
        # A moved photo whose old place was taken meanwhile cannot go back: then it is moved.
        stays = self._mode == "move" and not is_original(entry)
        self._journal.append({"done" if stays else "dropped": entry.number})

    def _free_path(self, folder: str, name: str) -> str:
        """The place for a name in a bin: `a.jpg`, or where that is taken, `a (2).jpg`, …."""
        stem, suffix = os.path.splitext(name)
        while True:
            self._counts[folder, name] += 1
            count = self._counts[folder, name]
            path = os.path.join(folder, name if count == 1 else fitted(stem, f" ({count}){suffix}"))
            if not os.path.lexists(self._target / path):
                return path

    def _make_folder(self, folder: str) -> None:
        if os.path.isdir(self._target / folder):
            return
        if parent := os.path.dirname(folder):
            self._make_folder(parent)
        self._journal.append({"folder": folder})
        with suppress(FileExistsError):
            os.mkdir(self._target / folder)


def fitted(stem: str, end: str) -> str:
    """The name `stem` + `end`, with the stem shortened where the whole would be too long."""
    while len(os.fsencode(stem + end)) > MAX_NAME and stem:
        stem = stem[:-1]
    return stem + end


def _placed(draft: Path, path: str, digest: str | None) -> Placed:
    status = os.lstat(draft)
    return Placed(path, status.st_size, status.st_mtime_ns, digest)
