"""The three files of a report, made whole or not at all."""

import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pilah.errors import SortError
from pilah.files import put_in_place
from pilah.models.bundle import BundleInfo
from pilah.report.page import render_page
from pilah.report.rates import Share, share_of_women
from pilah.report.tables import CsvTable, ParquetTable
from pilah.report.tally import Tally
from pilah.sorting import claim_artifacts, read_results, record_artifact
from pilah.sorting.journal import SCRATCH
from pilah.sorting.walk import shown

NAMES = ("results.csv", "results.parquet", "report.html")


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says, and the files that say it; `share` is None where no face is clear."""

    tally: Tally
    share: Share | None
    info: BundleInfo
    paths: list[Path]

    def to_json(self) -> dict[str, Any]:
        """The counts, shares and intervals, for machines."""
        return {
            **self.tally.to_json(),
            "share_of_women": self.share and asdict(self.share),
            "model": {"name": self.info.name, "version": self.info.version},
            "files": [shown(path) for path in self.paths],
        }


def write_report(target: Path, *, info: BundleInfo) -> list[Path]:
    """Write `results.csv`, `results.parquet` and `report.html` into a sorted folder.

    Args:
        target: a folder that `pilah sort` wrote, whole or in part.
        info: the description of the model that answered.

    Returns:
        The paths of the three files.

    Raises:
        SortError: the folder holds no sort, has a file of such a name that is not a report, or
            cannot be written to.
    """
    return build_report(target, info=info).paths


def build_report(target: Path, *, info: BundleInfo) -> Report:
    """Do as `write_report` does, and return what the report says.

    The journal is read once, and memory does not grow with the number of photos. The files are
    drafted in the sort's scratch folder and appear at their places only when all are whole.

    Raises:
        SortError: the folder holds no sort, has a file of such a name that is not a report, or
            cannot be written to.
    """
    photos = read_results(target)
    tally = Tally(info.min_confidence)
    claim_artifacts(target, NAMES)
    drafts = [target / SCRATCH / name for name in NAMES]
    paths = [target / name for name in NAMES]
    try:
        (target / SCRATCH).mkdir(exist_ok=True)
        with CsvTable(drafts[0]) as csv, ParquetTable(drafts[1], info=info) as parquet:
            for photo in photos:
                tally.add(photo)
                placed = photo.destination and os.path.relpath(photo.destination, target)
                csv.add(photo, placed)
                parquet.add(photo, placed)
        validation = {} if tally.other_threshold else info.validation
        share = share_of_women(tally.clear, unsure=tally.faces["unsure"], validation=validation)
        page = render_page(tally, share, info=info, folder=shown(target.resolve().name))
        drafts[2].write_text(page, encoding="utf-8")
        for draft, path in zip(drafts, paths, strict=True):
            put_in_place(draft, path)
            record_artifact(target, path)
    except OSError as error:
        raise SortError(
            f"cannot write the report into {shown(target)} ({error.strerror or error}); make room "
            "or give yourself the right to write there, then run `pilah report` again"
        ) from None
    finally:
        for draft in drafts:
            with suppress(OSError):  # the error that led here is the one to tell
                draft.unlink()
    return Report(tally, share, info, paths)
