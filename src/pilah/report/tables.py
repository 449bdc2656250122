r"""results.csv and results.parquet: every photo as a row, written as the photos stream by.

`results.csv` opens in any spreadsheet, one row a photo:

    path          where the photo was before the sort
    bin           female, male, mixed, unsure, no_face or unreadable
    destination   where the sort put it, inside the sorted folder; empty where it put nothing
    label         of the largest face: female, male, or empty (unsure, or no face)
    p_male        probability of the label male for the largest face, 0 to 1
    confidence    probability of the likelier label for the largest face, 0.5 to 1
    faces         how many faces were found, of which
    women           are labelled female,
    men             are labelled male,
    unsure_faces    are unsure
    width height  of the upright photo, in pixels
    error         why the photo could not be read

`results.parquet` has one row a photo too (so photos without a face are counted), with `path`,
`bin`, `destination`, `width`, `height`, `error` as above and `faces` as a nested list, from the
largest face to the smallest: `label`, `p_male`, `confidence`, `detector_score`, and the box in
pixels of the upright photo as `left`, `top`, `right`, `bottom`. To get one row a face:
`df.explode("faces")` in pandas, `UNNEST(faces)` in SQL. The model's description is in the schema's
metadata, under `pilah`.

A path may hold bytes that are not text: a byte 0xNN is then written `\udcNN`, as Python names it.
"""

import csv
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from pilah.models.bundle import METADATA_KEY, BundleInfo
from pilah.report.tally import face_counts
from pilah.sorting import SortedPhoto

CSV_COLUMNS = (
    *("path", "bin", "destination", "label", "p_male", "confidence"),
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
        pa.field("destination", pa.string()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("error", pa.string()),
        pa.field("faces", pa.list_(FACE), nullable=False),
    ]
)
ROWS_AT_ONCE = 2_000


class CsvTable:
    """`results.csv`, open for writing; use it as a context, so it is closed."""

    def __init__(self, path: Path) -> None:
        """Begin the file at `path` with its header."""
        self._file = path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(CSV_COLUMNS)

    def add(self, photo: SortedPhoto, destination: str | None) -> None:
        """Write one photo's row; None becomes an empty field."""
        main, (height, width) = photo.result.main, photo.result.size_hw or (None, None)
        self._writer.writerow(
            (
                photo.source,
                photo.bin,
                destination,
                main and main.label,
                main and f"{main.p_male:.4f}",
                main and f"{main.confidence:.4f}",
                len(photo.result.faces),
                *face_counts(photo.result.faces),
                width,
                height,
                photo.result.error,
            )
        )

    def __enter__(self) -> Self:
        """The table itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()


class ParquetTable:
    """`results.parquet`, open for writing; use it as a context, so its end is written."""

    def __init__(self, path: Path, *, info: BundleInfo) -> None:
        """Begin the file at `path`, with the model's description in its metadata."""
        schema = SCHEMA.with_metadata({METADATA_KEY: info.to_json()})
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def add(self, photo: SortedPhoto, destination: str | None) -> None:
        """Take one photo's row; rows are written some thousand at a time."""
        result = photo.result
        height, width = result.size_hw or (None, None)
        self._rows.append(
            {
                "path": as_text(photo.source),
                "bin": photo.bin,
                "destination": destination and as_text(destination),
                "width": width,
                "height": height,
                "error": result.error and as_text(result.error),
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
            self._writer.close()


def as_text(text: str) -> str:
    r"""The same text, with a byte 0xNN that is not UTF-8 visible as `\udcNN`."""
    return text.encode("utf-8", "backslashreplace").decode()


def recorded_info(path: Path) -> BundleInfo | None:
    """The model's description in the metadata of a `results.parquet`, None where there is none."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException):
        return None
    text = metadata.get(METADATA_KEY.encode())
    return BundleInfo.from_json(text.decode()) if text else None
