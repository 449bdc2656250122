r"""A shard: one portion's answers, a Parquet file that is there whole or not at all.

    path     as the list has it; a byte 0xNN that is not text is written `\udcNN`
    error    why the photo could not be read, null where it was
    size     height and width of the upright photo in pixels, null where it was not read
    faces    from the highest to the least high: `box` (left, top, right, bottom, in pixels of that
             photo), `p_male`, `label` (female, male, or null where unsure), `score` (the
             detector's), `rotation` of the photo and `tilt` of the face that were taken out, in
             degrees clockwise, and `height` in pixels, as `types.Face` has them
    model    the model that answered
    version  its version

`DIR/part-000000.parquet` exists if and only if its portion is finished.
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pilah.errors import DataError
from pilah.files import replacing
from pilah.models.bundle import BundleInfo
from pilah.report.tables import as_text
from pilah.types import Result
from pilah.wording import shown

FACE = pa.struct(
    [
        pa.field(
            "box",
            pa.struct([(edge, pa.float64()) for edge in ("left", "top", "right", "bottom")]),
            nullable=False,
        ),
        pa.field("p_male", pa.float64(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("rotation", pa.int16(), nullable=False),
        pa.field("tilt", pa.float64(), nullable=False),
        pa.field("height", pa.float64(), nullable=False),
    ]
)
SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("error", pa.string()),
        pa.field("size", pa.struct([("height", pa.int32()), ("width", pa.int32())])),
        pa.field("faces", pa.list_(FACE), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
    ]
)
_NAME = re.compile(r"part-(\d{6,})\.parquet")


def encoded(results: Sequence[Result], info: BundleInfo) -> bytes:
    """A shard's file, from the Results of its photos, in order."""
    rows = [_row(result, info) for result in results]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), sink, compression="zstd")
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def write(folder: Path, number: int, content: bytes) -> None:
    """Put a shard in its place: flushed, then named, so that a kill leaves none or all of it.

    Raises:
        OSError: it cannot be written.
    """
    with replacing(folder / f"part-{number:06}.parquet") as draft:
        draft.write_bytes(content)


def finished(folder: Path) -> set[int]:
    """The numbers of the portions that have a shard."""
    with os.scandir(folder) as entries:
        return {int(found[1]) for entry in entries if (found := _NAME.fullmatch(entry.name))}


def rows(folder: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """What the shards hold, in order, a few thousand rows at a time.

    Raises:
        DataError: one of them is not as it was written.
    """
    for number in sorted(finished(folder)):
        path = folder / f"part-{number:06}.parquet"
        try:
            with path.open("rb") as file:  # a name need not be text
                shard = pq.ParquetFile(file)
                if not shard.schema_arrow.equals(SCHEMA):
                    raise pa.ArrowInvalid("its columns are others")
                for batch in shard.iter_batches(columns=columns):
                    batch.validate(full=True)  # what a disk may have done to it
                    yield batch
        except (OSError, pa.ArrowException) as error:
            reason = " ".join(str(error).split())
            raise DataError(
                f"{shown(path)} cannot be read ({shown(reason)}); delete it and run `pilah "
                "classify` again, which does what is missing"
            ) from None


def _row(result: Result, info: BundleInfo) -> dict[str, Any]:
    height, width = result.size_hw or (None, None)
    return {
        "path": as_text(result.path or ""),
        "error": None if result.error is None else as_text(result.error),
        "size": result.size_hw and {"height": height, "width": width},
        "faces": [
            {
                "box": {
                    "left": face.box.left,
                    "top": face.box.top,
                    "right": face.box.right,
                    "bottom": face.box.bottom,
                },
                "p_male": face.p_male,
                "label": face.label,
                "score": face.detector_score,
                "rotation": result.rotation,
                "tilt": face.tilt,
                "height": face.height,
            }
            for face in result.faces
        ],
        "model": info.name,
        "version": info.version,
    }
