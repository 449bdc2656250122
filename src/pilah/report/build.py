"""The files of a report, made whole or not at all."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from pilah.errors import DataError, SortError
from pilah.models.bundle import BundleInfo
from pilah.report.page import render_page
from pilah.report.rates import Share, share_of_women
from pilah.report.tables import CorrectionsTable, CsvTable, ParquetTable, recorded_info
from pilah.report.tally import Tally
from pilah.sorting import disk
from pilah.sorting.journal import SCRATCH, Journal, open_journal, refuse_undone
from pilah.sorting.kinds import in_words
from pilah.sorting.photos import photos_of
from pilah.sorting.records import State
from pilah.wording import shown

NAMES = ("results.csv", "results.parquet", "report.html")
CORRECTIONS = "corrections.csv"
"""Written only where a person moved a photo into `female/` or `male/`."""


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
            "files": [str(path) for path in self.paths],
        }


def write_report(target: Path, *, info: BundleInfo | None = None) -> list[Path]:
    """Write `results.csv`, `results.parquet` and `report.html` into a sorted folder.

    Where a person moved photos into `female/` or `male/`, `corrections.csv` is written too.

    Args:
        target: a folder that `pilah sort` wrote, whole or in part.
        info: the description of the model that answered; the journal knows it, but for sorts of an
            earlier version.

    Returns:
        The paths of the files; `report.html` is the last.

    Raises:
        SortError: the folder holds no sort, has a file of such a name that is not a report, or
            cannot be written to.
        DataError: another model sorted the folder, or nothing says which one.
    """
    return build_report(target, info=info).paths


def build_report(target: Path, *, info: BundleInfo | None = None) -> Report:
    """Do as `write_report` does, and return what the report says.

    The journal is open all the while and read line by line, so memory does not grow with the number
    of photos. The files are drafted in the sort's scratch folder and appear at their places only
    when all are whole.

    Raises:
        SortError: see `write_report`.
        DataError: see `write_report`.
    """
    try:
        with open_journal(target, keep=False) as journal:
            refuse_undone(journal.state, target)
            known = _model(journal.state, target, info)
            journal.claim(target, NAMES)
            if journal.state.model is None:
                journal.append({"model": json.loads(known.to_json())})
            return _build(journal, target, known)
    except OSError as error:
        raise SortError(
            f"cannot write the report into {shown(target)} ({error.strerror or error}); make room "
            "or give yourself the right to write there, then run `pilah report` again"
        ) from None


def _build(journal: Journal, target: Path, info: BundleInfo) -> Report:
    state, scratch = journal.state, target / SCRATCH
    tally = Tally(
        info.min_confidence,
        of_crops=bool((state.options or {}).get("faces")),
        skipped=in_words(state.skipped),
        videos=list(dict.fromkeys(chain.from_iterable(state.videos.values()))),
    )
    drafts = {name: scratch / name for name in (*NAMES, CORRECTIONS)}
    try:
        scratch.mkdir(exist_ok=True)
        with (
            CsvTable(drafts["results.csv"], target) as csv,
            ParquetTable(drafts["results.parquet"], target, info=info) as parquet,
            CorrectionsTable(drafts[CORRECTIONS], target) as corrections,
        ):
            for photo in photos_of(target, state):
                tally.add(photo)
                csv.add(photo)
                parquet.add(photo)
                corrections.add(photo)
        # What a person corrected has other errors than the model alone.
        is_measured = not tally.other_threshold and not tally.corrected
        share = share_of_women(
            tally.clear,
            unsure=tally.faces["unsure"],
            validation=info.validation if is_measured else {},
        )
        page = render_page(tally, share, info=info, folder=shown(target.resolve().name))
        drafts["report.html"].write_text(page, encoding="utf-8")
        names = list(NAMES)
        if corrections.count or CORRECTIONS in state.artifacts:
            journal.claim(target, [CORRECTIONS])
            names.insert(0, CORRECTIONS)
        for name in names:
            disk.put_in_place(drafts[name], target / name)
            journal.record(target, target / name)
    finally:
        for draft in drafts.values():
            with suppress(OSError):  # the error that led here is the one to report
                draft.unlink()
    return Report(tally, share, info, [target / name for name in names])


def _model(state: State, target: Path, info: BundleInfo | None) -> BundleInfo:
    """The model that sorted a folder; the journal knows it, and nothing changes it afterwards."""
    if state.model is not None:
        known: BundleInfo | None = BundleInfo.from_json(json.dumps(state.model))
    else:
        known = info or recorded_info(target / "results.parquet")
    if known is None:
        raise DataError(
            f"{shown(target)} does not say which model sorted it (results.parquet is missing or "
            "not from pilah); add --model with its name or its model.onnx"
        )
    used = (state.options or {}).get("model", "").split(" at ")[0]
    used = f"{known.name} {known.version}" if state.model is not None else used
    given = f"{info.name} {info.version}" if info else used
    if used and given != used:
        raise DataError(
            f"{shown(target)} was sorted with {used}, not with {given}; leave --model out, or "
            "sort into another folder with that model"
        )
    return known
