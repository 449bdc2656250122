"""Lists of photos: a text file of paths, or a Parquet file of paths or of photos themselves."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from pilah.cluster import remote
from pilah.cluster.listing import Listed
from pilah.errors import DataError
from pilah.lines import paths_in
from pilah.wording import shown

TEXT_LISTS = (".txt", ".lst", ".list")
TABLE = ".parquet"
PATHS = ("path", "uri", "url")
BYTES = ("bytes", "image", "image_bytes")
CHUNK = 1 << 16


def one(path: str) -> Listed:
    """A photo by its name in a list: a URI, or a path, which counts from the working directory."""
    try:
        path = plain(path)
    except ValueError as error:
        return Listed(path, error=f"no URI: {remote.reason(error)}")
    return Listed(path if remote.is_uri(path) else os.path.abspath(path))


def plain(source: str) -> str:
    """A `file://` URI as a path; all else as it is.

    Raises:
        ValueError: it begins as such a URI and is none.
    """
    if not source.lower().startswith("file://"):
        return source
    return unquote(urlsplit(source).path, errors="surrogateescape")


def lines(source: str) -> Iterator[Listed]:
    """What a text file lists, one a line, or each ended by a null byte, as `find -print0` does.

    Raises:
        DataError: it cannot be read to its end.
    """
    with _reading(source, "a text file") as file:
        chunks = iter(lambda: file.read(CHUNK), b"")
        first = next(chunks, b"")
        wide = first.startswith((b"\xff\xfe", b"\xfe\xff"))
        end = b"\0" if b"\0" in first and not wide else b"\n"

        def from_the_first() -> Iterator[bytes]:
            yield first
            yield from chunks

        for paths in paths_in(from_the_first(), end=end):
            for path in paths:
                yield one(os.fsdecode(path))


def rows(source: str) -> Iterator[Listed]:
    """What a Parquet file lists: paths, or the photos themselves.

    A photo whose row has no path is called `FILE#ROW`, rows counted from 0; so is one whose path
    another photo has.

    Raises:
        DataError: it cannot be read to its end, or has no such column.
    """
    place = source if remote.is_uri(source) else os.path.abspath(source)
    start = 0
    with table(source) as file:
        path_column, bytes_column = columns(file, source)
        for group in range(file.num_row_groups):
            number = file.metadata.row_group(group).num_rows
            for row, name in enumerate(_names(file, group, number, path_column)):
                by_row = f"{place}#{start + row}"
                path = name or by_row
                if bytes_column:
                    yield Listed(path, place, group, row, by_row=by_row)
                else:
                    yield one(path) if name else Listed(path, error="its row has no path")
            start += number


def _names(file: pq.ParquetFile, group: int, number: int, column: str) -> Iterator[str | None]:
    if not column:
        yield from [None] * number
        return
    for batch in file.iter_batches(row_groups=[group], columns=[column]):
        for value in batch.column(0).to_pylist():
            yield value and os.fsdecode(value)


@contextmanager
def table(source: str) -> Iterator[pq.ParquetFile]:
    """A Parquet file, open to read.

    Raises:
        DataError: it cannot be read.
    """
    with _reading(source, "Parquet") as file:
        yield pq.ParquetFile(file)


def columns(file: pq.ParquetFile, source: str) -> tuple[str, str]:
    """The columns of paths and of photos, as Arrow names them; an empty text for none.

    Raises:
        DataError: there is neither.
    """
    schema = file.schema_arrow
    path = next((name for name in PATHS if _is_text(schema, name)), "")
    content = next((found for name in BYTES if (found := _content(schema, name))), "")
    if not (path or content):
        has = ", ".join(f"{field.name} ({field.type})" for field in schema)
        raise DataError(
            f"{shown(source)} has the columns {shown(has)}; it needs one of paths "
            f"({', '.join(PATHS)}; text) or of photos ({', '.join(BYTES)}; bytes)"
        )
    return path, content


def check_table(source: str) -> None:
    """Refuse a Parquet file that lists no photos.

    Raises:
        DataError: it cannot be read, or has no column of paths or photos.
    """
    with table(source) as file:
        columns(file, source)


def check_text(source: str) -> None:
    """Refuse a text list that cannot be read.

    Raises:
        DataError: it cannot.
    """
    with _reading(source, "a text file") as file:
        file.read(1)


@contextmanager
def _reading(source: str, kind: str) -> Iterator[Any]:
    try:
        with remote.opened(source) if remote.is_uri(source) else open(source, "rb") as file:
            yield file
    except remote.REFUSALS as error:
        raise DataError(
            f"{shown(source)} cannot be read as {kind} ({remote.reason(error)})"
        ) from None


def _is_text(schema: pa.Schema, name: str) -> bool:
    kind = _type(schema, name)
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    known = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return _is_bytes(kind) or any(test(kind) for test in known)


def _content(schema: pa.Schema, name: str) -> str:
    """The column of photos called `name`, or its field `bytes`, as data sets of images have it."""
    kind = _type(schema, name)
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        return f"{name}.bytes" if _is_bytes(kind.field("bytes").type) else ""
    return name if _is_bytes(kind) else ""


def _type(schema: pa.Schema, name: str) -> pa.DataType:
    """The type of a column; null where there is none of that name, or more than one."""
    index = schema.get_field_index(name)
    return schema.field(index).type if index >= 0 else pa.null()


def _is_bytes(kind: pa.DataType) -> bool:
    known = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)
    return any(test(kind) for test in known)
