"""The .zip or folder that a visitor takes home: photos as corrected, and what `pilah sort` writes.

Its tables and its report mean what they mean in any sorted folder (`pilah.report`).
"""

import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path, PurePath

from pilah.app.workspace import Workspace
from pilah.files import free_name
from pilah.report.page import render_page
from pilah.report.tables import CorrectionsTable, CsvTable, ParquetTable
from pilah.sorting.bins import BINS, Bin
from pilah.sorting.photos import SortedPhoto
from pilah.uploads import Refused
from pilah.wording import reason_of

HERE = Path()
"""Where the paths in the tables begin: beside them."""


def write_zip(workspace: Workspace, language: str) -> Path:
    """Write `sorted.zip` of a finished sort, as corrected; paths in it are relative.

    `language` is that of its report. A photo that cannot be read any more has no place.
    """
    path = workspace.folder / "sorted.zip"
    places, lost = _places(workspace)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        for source, place in places.items():
            archive.write(source, place)
        for table in _write_tables(workspace, places, lost):
            archive.write(table, table.name)
        archive.writestr("report.html", _report(workspace, language))
    return path


def write_folder(workspace: Workspace, target: Path, language: str) -> list[str]:
    """Copy a finished sort, as corrected, into a new folder of this machine; see `write_zip`.

    Returns:
        The photos that cannot be read any more.

    Raises:
        Refused: there is something of that name, or it cannot be written; no part of it stays.
    """
    try:
        target.mkdir(parents=True)
    except FileExistsError:
        raise Refused("target_exists", name=str(target)) from None
    except OSError as error:
        raise _unwritable(target, error) from None
    try:
        places, lost = _places(workspace)
        for source, place in places.items():
            (target / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / place)
        for table in _write_tables(workspace, places, lost):
            shutil.copyfile(table, target / table.name)
        (target / "report.html").write_text(_report(workspace, language), "utf-8")
    except (OSError, shutil.Error) as error:
        shutil.rmtree(target, ignore_errors=True)
        raise _unwritable(target, error) from None
    return list(lost)


def _unwritable(target: Path, error: OSError) -> Refused:
    return Refused("target_unwritable", name=str(target), reason=str(error))


def _places(workspace: Workspace) -> tuple[dict[str, str], dict[str, str]]:
    """Each photo's path in the .zip, and why a photo has none.

    Those that stay where they are keep their names.
    """
    places, lost = {}, {}
    taken: dict[Bin, set[str]] = {bin: set() for bin in BINS}
    for photo in sorted(workspace.photos, key=lambda photo: photo.source in workspace.corrections):
        if photo.destination is None:
            continue
        try:
            open(photo.source, "rb").close()
        except OSError as error:
            lost[photo.source] = reason_of(error)
            continue
        bin = workspace.bin_of(photo)
        below = PurePath(photo.destination).relative_to(workspace.target / photo.bin)
        places[photo.source] = f"{bin}/{_claim(below.as_posix(), taken[bin])}"
    return places, lost


def _claim(name: str, taken: set[str]) -> str:
    """The first free name, upper and lower case alike; it is taken from now on."""
    free = free_name(name, lambda each: each.casefold() in taken)
    taken.add(free.casefold())
    return free


def _write_tables(workspace: Workspace, places: dict[str, str], lost: dict[str, str]) -> list[Path]:
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
                photo,
                source=workspace.name_of(photo),
                destination=places.get(photo.source),
                not_placed=lost.get(photo.source, photo.not_placed),
            )
            for table in (csv_table, parquet_table, corrections_table):
                table.add(row)
    return paths


def _report(workspace: Workspace, language: str) -> str:
    assert workspace.info is not None, "only a finished sort is zipped"
    tally = workspace.tally()
    share = workspace.share(tally)
    return render_page(
        tally,
        share,
        info=workspace.info,
        folder=workspace.source.name,
        language=language,
        below=Path(os.path.abspath(workspace.source)),
    )
