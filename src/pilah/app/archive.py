"""The .zip that a visitor takes home: the folders as corrected, and what `pilah sort` writes there.

Its tables and its report mean what they mean in any sorted folder (`pilah.report`).
"""

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePath

from pilah.app.workspace import Workspace
from pilah.files import free_name
from pilah.report.page import render_page
from pilah.report.tables import CorrectionsTable, CsvTable, ParquetTable
from pilah.sorting.bins import BINS, Bin
from pilah.sorting.photos import SortedPhoto

HERE = Path()
"""Where the paths in the tables begin: beside them."""


def write_zip(workspace: Workspace) -> Path:
    """Write `sorted.zip` of a finished sort, as corrected; paths in it are relative."""
    path = workspace.folder / "sorted.zip"
    places = dict(_places(workspace))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        for source, place in places.items():
            archive.write(source, place)
        for table in _write_tables(workspace, places):
            archive.write(table, table.name)
        archive.writestr("report.html", _report(workspace))
    return path


def _places(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """Each photo's path in the .zip; those that stay where they are keep their names."""
    taken: dict[Bin, set[str]] = {bin: set() for bin in BINS}
    for photo in sorted(workspace.photos, key=lambda photo: photo.source in workspace.corrections):
        if photo.destination is not None:
            bin = workspace.bin_of(photo)
            yield photo.source, f"{bin}/{_claim(PurePath(photo.destination).name, taken[bin])}"


def _claim(name: str, taken: set[str]) -> str:
    """The first free name, upper and lower case alike; it is taken from now on."""
    free = free_name(name, lambda each: each.casefold() in taken)
    taken.add(free.casefold())
    return free


def _write_tables(workspace: Workspace, places: dict[str, str]) -> list[Path]:
    assert workspace.info is not None, "only a finished sort is zipped"
    names = ("results.csv", "results.parquet", "corrections.csv")
    csv, parquet, corrections = paths = [workspace.folder / name for name in names]
    with (
        CsvTable(csv, HERE) as csv_table,
        ParquetTable(parquet, HERE, info=workspace.info) as parquet_table,
        CorrectionsTable(corrections, HERE) as corrections_table,
    ):
        for photo in workspace.photos_now():
            row: SortedPhoto = replace(
                photo, source=workspace.name_of(photo), destination=places.get(photo.source)
            )
            for table in (csv_table, parquet_table, corrections_table):
                table.add(row)
    return paths


def _report(workspace: Workspace) -> str:
    assert workspace.info is not None, "only a finished sort is zipped"
    tally = workspace.tally()
    share = workspace.share(tally)
    return render_page(tally, share, info=workspace.info, folder=workspace.source.name)
