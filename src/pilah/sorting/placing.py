"""One photo after the other gets its place in the target, each step in the journal beforehand."""

import errno
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pilah.errors import ImageError, SortError
from pilah.sorting import disk
from pilah.sorting.again import installed_readers, is_last, is_made_anew
from pilah.sorting.bins import Bin, bin_of_faces
from pilah.sorting.crops import write_crop
from pilah.sorting.journal import FULL, SCRATCH, Journal, JournalError
from pilah.sorting.moved import find_moved, is_in_place
from pilah.sorting.naming import Names, crop_name, folder_of
from pilah.sorting.records import Entry, Line, Placed
from pilah.sorting.transfer import (
    Mode,
    digest_if_readable,
    digest_of,
    draft_of,
    place,
    remove_original,
    take_back,
)
from pilah.sorting.walk import File, PhotoFile
from pilah.types import Result
from pilah.wording import quoted, reason_of, shown

STOPPING = FULL | {errno.EROFS, errno.EFBIG}
"""What the system answers when not only this photo but every further one would fail."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What will appear at `placed.path`; at `file` it lies ready until then."""

    file: str
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
            SortError: it takes no symbolic links, and they were asked for.
        """
        self._journal = journal
        self._target = target
        self._mode: Mode = mode
        self._tree = tree
        self._faces = faces
        self._readers = installed_readers()
        self._scratch = target / SCRATCH
        self._scratch.mkdir(exist_ok=True)
        self._clear_scratch()
        if mode == "link":
            self._refuse_without_links()
        for entry in journal.state.interrupted:
            self._put_back(entry)
        entries = journal.state.entries.values()
        self._names = Names(target, (placed.path for entry in entries for placed in entry.files))
        self._folders: set[str] = set()

    def put(self, photo: PhotoFile, result: Result, bin: Bin) -> None:
        """Give a photo and its companions their places, or note in the journal why they have none.

        Raises:
            OSError: nothing more can be placed; the target is full, or its journal is.
        """
        earlier = self._journal.state.newest.get(photo.source)
        if earlier and is_made_anew(earlier, self._target, self._mode, faces=self._faces):
            self.take_out([earlier])
        try:
            while not self._try_to_put(photo, result, bin):
                pass
        except (ImageError, OSError) as error:
            with suppress(OSError):
                self._clear_scratch()
            if isinstance(error, JournalError) or getattr(error, "errno", None) in STOPPING:
                raise
            if result.error is not None:
                self.fail(photo.source, result.error)
            else:
                line = {"failed": photo.source, "error": reason_of_failure(error, photo)}
                self._note_failed(line | {"bin": bin, "result": result.to_json()})

    def fail(self, source: str, reason: str) -> None:
        """Note in the journal that a photo could not be read.

        Raises:
            OSError: the journal cannot be written.
        """
        self._note_failed({"failed": source, "error": reason})

    def take_out(self, entries: Iterable[Entry]) -> None:
        """Put finished photos back with their companions, to sort them again.

        Raises:
            OSError: the journal cannot be written, or the file system refuses.
        """
        for entry in entries:
            self._journal.append({"reopened": entry.number}, durable=True)
        for entry in self._journal.state.interrupted:
            self._put_back(entry)
            self._names.give_back(placed.path for placed in entry.files)

    def close(self) -> None:
        """Leave no scratch folder behind."""
        with suppress(OSError):
            self._scratch.rmdir()

    def _note_failed(self, line: Line) -> None:
        line = json.loads(json.dumps(line))  # as it is read back
        if self._journal.state.failed.get(line["failed"]) != line:
            self._journal.append(line)

    def _try_to_put(self, photo: PhotoFile, result: Result, bin: Bin) -> bool:
        """Place a photo; False if another program took one of the names in this very moment."""
        entries, drafts = self._prepare(photo, result, bin)
        for entry in entries[:-1]:
            self._journal.append(entry.to_line(None if entry.companion_of else result))
        last = entries[-1]
        self._journal.append(last.to_line(None if last.companion_of else result), durable=True)
        try:
            for entry, of_entry in zip(entries, drafts, strict=True):
                self._place(entry, of_entry)
        except OSError as error:
            for entry in reversed(entries):
                self._put_back(entry)
            if isinstance(error, FileExistsError):
                return False
            raise
        for entry in reversed(entries):  # the photo last: without it its companions are not done
            self._journal.append({"done": entry.number})
        return True

    def _place(self, entry: Entry, drafts: list[Draft]) -> None:
        for draft in drafts:
            path = os.path.join(self._target, draft.placed.path)
            if self._mode == "link":
                os.symlink(entry.source, path)
            else:
                place(draft.file, path)
            if self._mode == "move":
                remove_original(entry, path)

    def _prepare(
        self, photo: PhotoFile, result: Result, bin: Bin
    ) -> tuple[list[Entry], list[list[Draft]]]:
        """What is to be done for a photo and for each of its companions, with all drafts made."""
        number = self._journal.state.last_number + 1
        readers = self._readers if bin == "unreadable" else None
        replaces = self._replaced(photo)
        if self._faces:
            drafts = list(self._crops(photo, result))
            files, digest = (
                tuple(draft.placed for draft in drafts),
                digest_if_readable(photo.source),
            )
            entry = Entry(number, *photo.key, bin, files, digest, None, replaces, readers)
            return [entry], [drafts]
        members: list[File] = [photo, *photo.companions]
        folder = folder_of(photo, bin, tree=self._tree)
        names = [os.path.basename(member.source) for member in members]
        paths = self._names.free(folder, names)
        self._make_folder(folder)
        entries, of_entries = [], []
        for count, (member, path) in enumerate(zip(members, paths, strict=True)):
            draft = self._draft(member, path, count)
            digest = (
                digest_if_readable(member.source) if self._mode == "link" else draft.placed.digest
            )
            entry = Entry(number + count, *member.key, bin, (draft.placed,), digest)
            if count:
                entries.append(replace(entry, companion_of=number))
            else:
                entries.append(replace(entry, replaces=replaces, readers=readers))
            of_entries.append([draft])
        return entries, of_entries

    def _draft(self, member: File, path: str, count: int) -> Draft:
        if self._mode == "link":
            return Draft("", Placed(path, 0, 0, None))
        file = os.path.join(self._scratch, str(count))
        digest = draft_of(member.source, file, self._mode)
        status = os.stat(file)
        return Draft(file, Placed(path, status.st_size, status.st_mtime_ns, digest))

    def _crops(self, photo: PhotoFile, result: Result) -> Iterator[Draft]:
        for count, face in enumerate(result.faces, start=1):
            folder = folder_of(photo, bin_of_faces((face,)), tree=self._tree)
            (path,) = self._names.free(folder, [crop_name(photo, count)])
            self._make_folder(folder)
            file = os.path.join(self._scratch, str(count))
            write_crop(photo.source, face.box, file)
            disk.set_time(file, photo.mtime_ns)
            status = os.stat(file)
            placed = Placed(path, status.st_size, status.st_mtime_ns, digest_of(file))
            yield Draft(file, placed)

    def _replaced(self, photo: PhotoFile) -> int | None:
        """An earlier copy of a file that has another content now; a move left no file behind."""
        earlier = self._journal.state.newest.get(photo.source)
        return None if self._mode == "move" or earlier is None else earlier.number

    def _refuse_without_links(self) -> None:
        path = self._scratch / "link"
        try:
            os.symlink(self._target, path)
        except OSError as error:
            raise SortError(
                f"{shown(self._target)} takes no symbolic links ({reason_of(error)}); run `pilah "
                f"undo {quoted(self._target)}`, then sort with --copy or --move"
            ) from None
        path.unlink()

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
        if self._is_last(entry):
            self._journal.append({"done": entry.number})
            return
        obstacles = [
            take_back(os.path.join(self._target, placed.path), placed, entry, self._mode)
            for placed in entry.files
        ]
        # A move that was finished but for its last line, and that the user went on with, is done.
        is_gone = self._mode == "move" and not os.path.lexists(entry.source)
        stays = is_gone and (
            "changed" in obstacles or ("missing" in obstacles and self._was_moved_on(entry))
        )
        # One that was taken out and cannot be put back stays in the journal, so that no undo
        # forgets it; that a copy or link is gone already is how a kill leaves it.
        was_done = entry.number in self._journal.state.void
        blocked = {*obstacles} - ({None} if self._mode == "move" else {None, "missing"})
        word = "done" if stays or (was_done and blocked) else "dropped"
        self._journal.append({word: entry.number})

    def _is_last(self, entry: Entry) -> bool:
        """Whether a copy was placed whole before a kill, and its original has changed since."""
        return (
            self._mode == "copy"
            and not self._faces
            and is_last(entry)
            and all(is_in_place(self._target, file, entry, "copy") for file in entry.files)
        )

    def _was_moved_on(self, entry: Entry) -> bool:
        wanted = [(0, entry, placed) for placed in entry.files]
        entries = self._journal.state.entries.values()
        return bool(find_moved(self._target, self._mode, wanted, entries))

    def _clear_scratch(self) -> None:
        # Whatever lies here is a draft: a copy, or one of two names of a file.
        for path in self._scratch.iterdir():
            path.unlink()


def reason_of_failure(error: Exception, photo: PhotoFile) -> str:
    """Why a photo could not be placed; a companion that is the reason is named."""
    if not isinstance(error, OSError):
        return str(error)
    for file in photo.companions:
        if error.filename == file.source:
            return f"{os.path.basename(file.source)}, which belongs to it: {reason_of(error)}"
    return reason_of(error)
