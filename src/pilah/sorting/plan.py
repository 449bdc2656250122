"""What would a sort do? Everything is decided as in the sort, and nothing is written."""

import errno
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from pilah.errors import SortError
from pilah.sorting import disk
from pilah.sorting.again import is_made_anew, new_photos, to_retry
from pilah.sorting.bins import bin_of, bin_of_faces
from pilah.sorting.journal import at_work, unwritable
from pilah.sorting.naming import Names, crop_name, folder_of
from pilah.sorting.photos import Crop, SortedPhoto, failed_photo
from pilah.sorting.placing import reason_of_failure
from pilah.sorting.records import JOURNAL, Entry, State
from pilah.sorting.sort import Progress, ResultsOf, SortOptions, refuse
from pilah.sorting.summary import Counting, Summary
from pilah.sorting.transfer import Mode, refuse_transfer
from pilah.sorting.walk import File, Found, PhotoFile, find_photos
from pilah.types import Face, Result
from pilah.wording import shown

Listing = Callable[[SortedPhoto], None]


def plan_photos(
    sources: Iterable[str],
    target: Path,
    results_of: ResultsOf,
    options: SortOptions,
    *,
    reports: Iterable[str] = (),
    listing: Listing | None = None,
    progress: Progress | None = None,
) -> Summary:
    """What `sort_photos` would add, writing nothing; what would fail there fails here.

    The arguments and errors are those of `sort_photos`; `listing` is called with each photo and the
    place that it would get.
    """
    sources = [os.fspath(source) for source in sources]
    target = Path(os.path.abspath(target))
    state = refuse(sources, target, options, tuple(reports))
    _refuse_unwritable(target)
    retried = to_retry(state, sources, target, options.mode)
    found = find_photos(filter(os.path.lexists, sources), target)
    photos = _photos(found, state, retried, target, options.mode)
    _refuse_full(photos, target, options)
    earlier = [state.newest[photo.source] for photo, _ in photos if photo.source in state.newest]
    gone = [e for e in earlier if is_made_anew(e, target, options.mode, faces=options.faces)]
    plan = _Plan(target, options, state, [*retried, *gone])
    counting = Counting()

    def note(photo: SortedPhoto) -> None:
        counting.add(photo)
        if listing:
            listing(photo)

    for path, reason in found.unopened:
        note(plan.unreadable(path, reason))
    results = results_of(read_from for _, read_from in photos)
    for count, ((photo, _), result) in enumerate(zip(photos, results, strict=True), start=1):
        note(plan.place(photo, result))
        if progress:
            progress(count, len(photos))
    return counting.summary(found, len(photos))


class _Plan:
    """Gives photos the places that a sort would give them."""

    def __init__(self, target: Path, options: SortOptions, state: State, gone: list[Entry]) -> None:
        self._target = target
        self._options = options
        taken = {placed.path for entry in state.entries.values() for placed in entry.files}
        freed = {placed.path for entry in gone for placed in entry.files}
        self._names = Names(target, taken, freed=freed)

    def place(self, photo: PhotoFile, result: Result) -> SortedPhoto:
        """A photo as it would be after the sort."""
        options, bin = self._options, bin_of(result, by=self._options.by)
        try:
            if options.faces:
                crops = tuple(self._crop(photo, *pair) for pair in enumerate(result.faces, start=1))
                return SortedPhoto(photo.source, bin, None, result, None, result.faces, crops)
            members: list[File] = [photo, *photo.companions]
            for member in members:
                refuse_transfer(member.source, options.mode)
            names = [os.path.basename(member.source) for member in members]
            path = self._names.free(folder_of(photo, bin, tree=options.tree), names)[0]
        except OSError as error:
            if result.error is not None:
                return self.unreadable(photo.source, result.error)
            reason = reason_of_failure(error, photo)
            return SortedPhoto(photo.source, bin, None, result, None, not_placed=reason)
        destination = str(self._target / path)
        return SortedPhoto(photo.source, bin, destination, result, bin, result.faces)

    def unreadable(self, source: str, reason: str) -> SortedPhoto:
        """A photo that would get no place."""
        return failed_photo(source, {"error": reason}, of_faces=self._options.faces)

    def _crop(self, photo: PhotoFile, count: int, face: Face) -> Crop:
        bin = bin_of_faces((face,))
        folder = folder_of(photo, bin, tree=self._options.tree)
        (path,) = self._names.free(folder, [crop_name(photo, count)])
        return Crop(bin, bin, str(self._target / path))


def _photos(
    found: Found, state: State, retried: list[Entry], target: Path, mode: Mode
) -> list[tuple[PhotoFile, str]]:
    """The photos to sort, each with the path where it can be read now."""
    again = {entry.source for entry in retried}
    newest = {source: entry for source, entry in state.newest.items() if source not in again}
    photos = [(photo, photo.source) for photo in new_photos(found, newest)]
    for entry in retried if mode == "move" else ():  # the sort would first put them back
        path = entry.files[0].path
        folder = os.path.dirname(path).removeprefix(entry.bin).lstrip(os.sep)
        photo = PhotoFile(entry.source, entry.size, entry.mtime_ns, folder)
        photos.append((photo, str(target / path)))
    return photos


def _refuse_unwritable(target: Path) -> None:
    journal = target / JOURNAL
    if journal.is_file() and disk.is_locked(journal):
        raise at_work(target)
    places = [journal, journal.parent] if journal.is_file() else []
    for place in [*places, target if target.exists() else target.parent]:
        if not os.access(place, os.W_OK):
            number = errno.EACCES if place.exists() else errno.ENOENT
            raise unwritable(target, OSError(number, os.strerror(number)))


def _refuse_full(photos: list[tuple[PhotoFile, str]], target: Path, options: SortOptions) -> None:
    home = target if target.exists() else target.parent
    if options.mode == "link" or options.faces:
        return
    needed = sum(
        file.size
        for photo, read_from in photos
        if options.mode == "copy" or os.stat(read_from).st_dev != os.stat(home).st_dev
        for file in (photo, *photo.companions)
    )
    free = shutil.disk_usage(home).free
    if needed > free:
        raise SortError(
            f"{len(photos):,} photos take {needed / 1e6:,.1f} MB, but {shown(target)} has "
            f"{free / 1e6:,.1f} MB free; make room, or sort with --move or --link"
        )
