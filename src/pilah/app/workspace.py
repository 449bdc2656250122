"""One visitor's sort on disk: unpacked, sorted, corrected by hand, zipped, and removed.

The photos are linked into the sorted folder, not copied, so nothing is there twice and a folder of
the user's own is only read. `visits.py` says when the folder is removed.
"""

import csv
import os
import secrets
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path, PurePath

from pilah.app.scratch import scratch_folder
from pilah.files import free_name
from pilah.models.bundle import BundleInfo
from pilah.report.build import build_report
from pilah.report.page import render_page
from pilah.report.rates import Share, share_of_women
from pilah.report.tables import as_cell
from pilah.report.tally import Tally
from pilah.sorting.bins import BINS, Bin
from pilah.sorting.photos import SortedPhoto, read_results, relabelled
from pilah.sorting.sort import Progress, ResultsOf, SortOptions, sort_photos
from pilah.types import LABELS
from pilah.uploads import Unpacked

CORRECTION_COLUMNS = ("path", "label", "predicted", "p_male")


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
        self.info: BundleInfo | None = None
        self.unpacked: Unpacked | None = None
        self._moves: list[dict[str, Bin]] = []

    def remove(self) -> None:
        """Remove the folder and whatever was unpacked into it; a folder of the user's own stays."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def sort(
        self, results_of: ResultsOf, info: BundleInfo, *, progress: Progress | None = None
    ) -> None:
        """Sort the photos and write the report.

        Raises:
            SortError: there is no such folder, or no room.
        """
        options = SortOptions(mode="link", model=f"{info.name} {info.version}")
        sort_photos([str(self.source)], self.target, results_of, options, progress=progress)
        build_report(self.target, info=info)
        self.info = info
        self.photos = tuple(read_results(self.target))

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

    def tally(self) -> Tally:
        """Everything that a report counts, after the corrections."""
        assert self.info is not None, "only a finished sort is counted"
        tally = Tally(self.info.min_confidence)
        for photo in self.photos:
            if bin := self.corrections.get(photo.source):
                faces = relabelled(photo.result.faces, bin, "foreground")
                photo = replace(photo, folder=bin, faces=faces)
            tally.add(photo)
        return tally

    def share(self, tally: Tally) -> Share | None:
        """The share of women in a tally; None without a clear face."""
        assert self.info is not None, "only a finished sort is counted"
        # What a person corrected has other errors than the model alone.
        measured = {} if tally.other_threshold or tally.corrected else self.info.validation
        return share_of_women(tally.clear, unsure=tally.faces["unsure"], validation=measured)

    def zip(self) -> Path:
        """Write `sorted.zip`: the bins as corrected, results.csv, report.html, corrections.csv.

        In results.csv paths are those below what was sorted, and bin and destination follow the
        corrections, and so does report.html. corrections.csv is a table that `pilah prepare` reads:
        the photos that a person moved into female or male.
        """
        assert self.info is not None, "only a finished sort is zipped"
        tally = self.tally()
        report = render_page(tally, self.share(tally), info=self.info, folder=self.source.name)
        path = self.folder / "sorted.zip"
        places = dict(self._places())
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
            for photo in self.photos:
                if photo.source in places:
                    archive.write(photo.source, places[photo.source])
            archive.writestr("results.csv", self._results_csv(places))
            archive.writestr("corrections.csv", self._corrections_csv(places))
            archive.writestr("report.html", report)
        return path

    def _places(self) -> Iterator[tuple[str, str]]:
        """Each photo's path in the .zip; those that stay where they are keep their names."""
        taken: dict[Bin, set[str]] = {bin: set() for bin in BINS}
        for photo in sorted(self.photos, key=lambda photo: photo.source in self.corrections):
            if photo.destination is not None:
                bin = self.bin_of(photo)
                yield photo.source, f"{bin}/{_claim(PurePath(photo.destination).name, taken[bin])}"

    def _results_csv(self, places: dict[str, str]) -> str:
        by_source = {photo.source: photo for photo in self.photos}
        with (self.target / "results.csv").open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
        text = StringIO()
        writer = csv.DictWriter(text, reader.fieldnames or (), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            photo = by_source.get(row["path"])
            if photo:
                row["path"], row["bin"] = self.name_of(photo), self.bin_of(photo)
                row["folder"] = self.bin_of(photo)
                row["corrected"] = "yes" if photo.source in self.corrections else ""
                row["destination"] = places.get(photo.source, "")
            writer.writerow({column: as_cell(value) for column, value in row.items()})
        return text.getvalue()

    def _corrections_csv(self, places: dict[str, str]) -> str:
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(CORRECTION_COLUMNS)
        for photo in self.photos:
            label = self.corrections.get(photo.source)
            if label in LABELS and photo.source in places:
                p_male = photo.result.p_male
                shown = "" if p_male is None else f"{p_male:.4f}"
                cells = (places[photo.source], label, photo.bin, shown)
                writer.writerow(map(as_cell, cells))
        return text.getvalue()


def _claim(name: str, taken: set[str]) -> str:
    """The first free name, upper and lower case alike; it is taken from now on."""
    free = free_name(name, lambda each: each.casefold() in taken)
    taken.add(free.casefold())
    return free
