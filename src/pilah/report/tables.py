r"""results.csv, results.parquet and corrections.csv, written as the photos stream by.

`results.csv` opens in any spreadsheet, one row per photo, or with `--faces` one row per crop:

    path          where the photo was before the sort
    bin           what the sort decided: female, male, mixed, unsure, no_face or unreadable
    folder        which of these folders it is in now; empty where a person took it out, `not
                  placed` where it could be read but not be put anywhere
    corrected     yes where a person moved or deleted it, else empty
    destination   where it is now, inside the sorted folder; empty where it is nowhere there
    label         of the largest face: female, male, or empty (unsure, or no face)
    p_male        probability of the label male for the largest face, 0 to 1
    confidence    probability of the likelier label for the largest face, 0.5 to 1
    faces         how many faces were found, of which
    women           are labelled female,
    men             are labelled male,
    unsure_faces    are unsure
    width height  of the upright photo, in pixels
    error         why the photo could not be read or placed

In a crop's row, `label` to `unsure_faces` are those of its face alone. Labels are as a person
corrected them. A cell that a spreadsheet would take for a formula begins with an apostrophe.

`results.parquet` has one row per photo (so photos without a face are counted), with `path`, `bin`,
`folder`, `corrected`, `destination`, `width`, `height`, `error` as above and `faces` as a nested
list of what the model answered, from the largest face to the smallest: `label`, `p_male`,
`confidence`, `detector_score`, and the box in pixels of the upright photo as `left`, `top`,
`right`, `bottom`. To get one row per face: `df.explode("faces")` in pandas, `UNNEST(faces)` in SQL.
The model's description is in the schema's metadata, under `pilah`.

`corrections.csv` has what a person moved into `female/` and `male/`, as `pilah prepare` reads it:

    path          relative to the sorted folder
    label         female or male

A path may hold bytes that are not text: a byte 0xNN is then written `\udcNN`, as Python names it.
"""

import os
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from pilah.csv_lines import csv_writer
from pilah.models.bundle import METADATA_KEY, BundleInfo
from pilah.report.tally import face_counts
from pilah.sorting.photos import SortedPhoto, relabelled
from pilah.types import LABELS, Face

CSV_COLUMNS = (
    *("path", "bin", "folder", "corrected", "destination", "label", "p_male", "confidence"),
    *("faces", "women", "men", "unsure_faces", "width", "height", "error"),
)

FACE = pa.struct(
    [
        pa.field("label", pa.string()),
        pa.field("p_male", pa.float64(), nullable=False),
        pa.field("confidence", pa.float64(), nullable=False),
        pa.field("detector_score", pa.float64(), nullable=False),
        pa.field("left", pa.float64(), nullable=False),
        pa.field("top", pa.float64(), nullable=False),
        pa.field("right", pa.float64(), nullable=False),
        pa.field("bottom", pa.float64(), nullable=False),
    ]
)
SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("bin", pa.string(), nullable=False),
        pa.field("folder", pa.string()),
        pa.field("corrected", pa.bool_(), nullable=False),
        pa.field("destination", pa.string()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("error", pa.string()),
        pa.field("faces", pa.list_(FACE), nullable=False),
    ]
)
ROWS_AT_ONCE = 2_000

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a cell begins that a spreadsheet computes, white space before it included."""


class _Csv:
    """A CSV file, open for writing; use it as a context, so it is closed."""

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        """Begin the file at `path` with its header."""
        self._file = path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        self._writer = csv_writer(self._file)
        self._writer.writerow(columns)

    def __enter__(self) -> Self:
        """The table itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()


class CsvTable(_Csv):
    """`results.csv`."""

    def __init__(self, path: Path, target: Path) -> None:
        """Begin the file at `path` with its header; `target` is the sorted folder."""
        super().__init__(path, CSV_COLUMNS)
        self._target = target

    def add(self, photo: SortedPhoto) -> None:
        """Write a photo's row, or one for each of its crops."""
        folder = "not placed" if photo.not_placed is not None else photo.folder
        if not photo.crops:
            self._write(photo, photo.bin, folder, photo.destination, photo.corrected, photo.faces)
            return
        for face, crop in zip(photo.result.faces, photo.crops, strict=True):
            corrected = crop.folder != crop.bin
            faces = relabelled((face,), crop.folder, "faces") if corrected else (face,)
            self._write(photo, crop.bin, crop.folder, crop.destination, corrected, faces)

    def _write(
        self,
        photo: SortedPhoto,
        bin: str,
        folder: str | None,
        destination: str | None,
        corrected: bool,
        faces: tuple[Face, ...],
    ) -> None:
        main = faces[0] if faces else None
        height, width = photo.result.size_hw or (None, None)
        cells = (
            photo.source,
            bin,
            folder,
            "yes" if corrected else None,
            destination and os.path.relpath(destination, self._target),
            main and main.label,
            main and f"{main.p_male:.4f}",
            main and f"{main.confidence:.4f}",
            len(faces),
            *face_counts(faces),
            width,
            height,
            photo.not_placed or photo.result.error,
        )
        self._writer.writerow(map(as_cell, cells))


class CorrectionsTable(_Csv):
    """`corrections.csv`; `count` is how many corrections it has."""

    def __init__(self, path: Path, target: Path) -> None:
        """Begin the file at `path` with its header; `target` is the sorted folder."""
        super().__init__(path, ("path", "label"))
        self._target = target
        self.count = 0

    def add(self, photo: SortedPhoto) -> None:
        """Write what a person moved into a folder of one label."""
        for file in (photo,) if photo.crops is None else photo.crops:
            if file.destination and file.folder != file.bin and file.folder in LABELS:
                path = os.path.relpath(file.destination, self._target)
                self._writer.writerow((as_cell(path), file.folder))
                self.count += 1


class ParquetTable:
    """`results.parquet`, open for writing; use it as a context, so its end is written."""

    def __init__(self, path: Path, target: Path, *, info: BundleInfo) -> None:
        """Begin the file at `path`, with the model's description in its metadata."""
        self._target = target
        schema = SCHEMA.with_metadata({METADATA_KEY: info.to_json()})
        # open, for pyarrow takes the name `a:b` for an address, and needs a name to be text
        self._file = path.open("wb")
        self._writer = pq.ParquetWriter(self._file, schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def add(self, photo: SortedPhoto) -> None:
        """Take one photo's row; rows are written some thousand at a time."""
        result = photo.result
        height, width = result.size_hw or (None, None)
        placed = photo.destination and os.path.relpath(photo.destination, self._target)
        error = photo.not_placed or result.error
        self._rows.append(
            {
                "path": as_text(photo.source),
                "bin": photo.bin,
                "folder": "not placed" if photo.not_placed is not None else photo.folder,
                "corrected": photo.corrected,
                "destination": placed and as_text(placed),
                "width": width,
                "height": height,
                "error": error and as_text(error),
                "faces": [
                    {
                        "label": face.label,
                        "p_male": face.p_male,
                        "confidence": face.confidence,
                        "detector_score": face.detector_score,
                        "left": face.box.left,
                        "top": face.box.top,
                        "right": face.box.right,
                        "bottom": face.box.bottom,
                    }
                    for face in result.faces
                ],
            }
        )
        if len(self._rows) == ROWS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_table(pa.Table.from_pylist(self._rows, self._writer.schema))
        self._rows.clear()

    def __enter__(self) -> Self:
        """The table itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is left, and the file's end."""
        try:
            self._flush()
        finally:
            try:
                self._writer.close()
            finally:
                self._file.close()


def as_cell(value: object) -> object:
    """A value for a CSV file, with an apostrophe before what would be taken for a formula."""
    is_formula = isinstance(value, str) and value.startswith(FORMULA)
    return f"'{value}" if is_formula else value


def as_text(text: str) -> str:
    r"""The same text, with a byte 0xNN that is not UTF-8 visible as `\udcNN`."""
    return text.encode("utf-8", "backslashreplace").decode()


def recorded_info(path: Path) -> BundleInfo | None:
    """The model's description in the metadata of a `results.parquet`, None where there is none."""
    try:
        with path.open("rb") as file:
            metadata = pq.read_schema(file).metadata or {}
    except (OSError, pa.ArrowException):
        return None
    text = metadata.get(METADATA_KEY.encode())
    return BundleInfo.from_json(text.decode()) if text else None
