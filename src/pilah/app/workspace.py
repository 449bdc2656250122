"""One visitor's sort on disk: unpacked, sorted, corrected by hand, and removed.

The photos are linked into the sorted folder, not copied, so nothing is there twice and a folder of
the user's own is only read. `visits.py` says when the folder is removed.
"""

import os
import secrets
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePath

from pilah.app.scratch import scratch_folder
from pilah.models.bundle import BundleInfo
from pilah.report.build import build_report
from pilah.report.rates import Share, share_of_women
from pilah.report.tally import Tally
from pilah.sorting.bins import BINS, Bin, By
from pilah.sorting.photos import SortedPhoto, read_results, relabelled
from pilah.sorting.sort import Progress, ResultsOf, SortOptions, sort_photos
from pilah.uploads import MEGABYTE, Unpacked


class Workspace:
    """A temporary folder with one sort; `source` is what is sorted, by default its own `photos`.

    `address` is a name that nobody can guess.
    """

    def __init__(self, source: Path | None = None) -> None:
        """Make the folder."""
        self.address = secrets.token_urlsafe(16)
        self.folder = Path(tempfile.mkdtemp(dir=scratch_folder()))
        self.source = source or self.folder / "photos"
        self.target = self.folder / "sorted"
        self.photos: tuple[SortedPhoto, ...] = ()
        self.corrections: dict[str, Bin] = {}
        self.is_own_folder = source is not None
        self.megabytes = 0.0
        self.by: By = "foreground"
        self.info: BundleInfo | None = None
        self.unpacked: Unpacked | None = None
        self._moves: list[dict[str, Bin]] = []

    def remove(self) -> None:
        """Remove the folder and whatever was unpacked into it; a folder of the user's own stays."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def sort(
        self,
        results_of: ResultsOf,
        info: BundleInfo,
        *,
        by: By = "foreground",
        tree: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Sort the photos and write the report; `by` and `tree` are as in `SortOptions`.

        Raises:
            SortError: there is no such folder, or no room.
        """
        options = SortOptions(mode="link", by=by, tree=tree, model=f"{info.name} {info.version}")
        self.by = by
        sort_photos([str(self.source)], self.target, results_of, options, progress=progress)
        build_report(self.target, info=info)
        self.info = info
        self.photos = tuple(read_results(self.target))
        placed = [photo.source for photo in self.photos if photo.destination is not None]
        self.megabytes = sum(map(os.path.getsize, placed)) / MEGABYTE

    def bin_of(self, photo: SortedPhoto) -> Bin:
        """Where a photo is now: as the model sorted it, or as a person corrected that."""
        return self.corrections.get(photo.source, photo.bin)

    def correct(self, photos: Iterable[SortedPhoto], to: Bin) -> None:
        """Move photos by hand, all in one step; back to the model's bin is no correction."""
        moved = {photo.source: photo for photo in photos if self.bin_of(photo) != to}
        if moved:
            self._moves.append({source: self.bin_of(photo) for source, photo in moved.items()})
        for photo in moved.values():
            self._put(photo, to)

    def undo(self) -> tuple[SortedPhoto, ...]:
        """Take the last step back; the photos that it had moved."""
        before = self._moves.pop() if self._moves else {}
        photos = tuple(photo for photo in self.photos if photo.source in before)
        for photo in photos:
            self._put(photo, before[photo.source])
        return photos

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._moves)

    def _put(self, photo: SortedPhoto, to: Bin) -> None:
        self.corrections.pop(photo.source, None)
        if to != photo.bin:
            self.corrections[photo.source] = to

    def counts(self) -> dict[Bin, int]:
        """Photos by bin, after the corrections."""
        counts = Counter(map(self.bin_of, self.photos))
        return {bin: counts[bin] for bin in BINS}

    def name_of(self, photo: SortedPhoto) -> str:
        """A photo's path below what was sorted."""
        return PurePath(photo.source).relative_to(os.path.abspath(self.source)).as_posix()

    def photos_now(self) -> Iterator[SortedPhoto]:
        """Every photo, its folder and its faces' labels after the corrections."""
        for photo in self.photos:
            if bin := self.corrections.get(photo.source):
                faces = relabelled(photo.result.faces, bin, self.by)
                photo = replace(photo, folder=bin, faces=faces)
            yield photo

    def tally(self) -> Tally:
        """Everything that a report counts, after the corrections."""
        assert self.info is not None, "only a finished sort is counted"
        tally = Tally(self.info.min_confidence)
        for photo in self.photos_now():
            tally.add(photo)
        return tally

    def share(self, tally: Tally) -> Share | None:
        """The share of women in a tally; None without a clear face."""
        assert self.info is not None, "only a finished sort is counted"
        # What a person corrected has other errors than the model alone.
        measured = {} if tally.other_threshold or tally.corrected else self.info.validation
        return share_of_women(tally.clear, unsure=tally.faces["unsure"], validation=measured)
