"""A CSV `path,label[,identity,split,...]` of the user's own, or as a published data set has it."""

import os
from pathlib import Path

import pandas as pd

from pilah.dataset.labels import counted_label, read_labels
from pilah.dataset.manifest import read_text_table
from pilah.errors import DataError
from pilah.formats import SUFFIXES

REMEDY = "give a CSV with the columns path,label"
PATH_NAMES = ("path", "file", "filename", "file_name", "filepath", "image", "image_id", "photo")
LABEL_NAMES = ("label", "gender", "sex")
DAMAGED_AGES = {"03-Sep": "3-9", "Oct-19": "10-19"}
"""What a spreadsheet made of two of FairFace's age groups in the copies that go round."""


def read_table(path: Path) -> pd.DataFrame:
    """List the images of a CSV, without what it says of duplicates: they are looked for anew.

    `identity` and `split` may have any capitals. See `read_labelled`.
    """
    frame = read_labelled(path).drop(columns="duplicate_of", errors="ignore")
    for name in ("identity", "split"):
        column = _column(frame.drop(columns=name), (name,))
        if column is not None:
            empty = (frame[name] == "").all()  # as `read_labelled` adds it
            frame = _renamed(frame.drop(columns=name) if empty else frame, column, name, path)
    return frame


def read_labelled(path: Path) -> pd.DataFrame:
    """List the images of a CSV or a manifest; none is opened.

    Paths are relative to the CSV's folder; one without an ending may lead to a photo that has one.
    Columns may have the usual other names (`PATH_NAMES`, `LABEL_NAMES`, or `male`), with any
    capitals. `labels.py` says what a label may be called.

    Returns:
        `path`, `label`, `identity`, `split` ("" where the CSV has no such column), and the CSV's
        other columns as they are.

    Raises:
        DataError: the CSV cannot be read, lacks a column or has it twice, or has another label.
    """
    frame = read_text_table(path, remedy=REMEDY)
    image, label = _column(frame, PATH_NAMES), _label_column(frame)
    if image is None or label is None:
        name = "path" if image is None else "label"
        raise DataError(f"{path} has no column {name!r} among {','.join(frame.columns)}; {REMEDY}")
    labels = read_labels(frame[label], path)
    frame = _renamed(frame, image, "path", path)
    frame = _renamed(frame, label, "label", path).assign(label=labels)
    for name in ("identity", "split"):
        if name not in frame.columns:
            frame[name] = ""
    folder = path.absolute().parent
    frame["path"] = [_photo(os.path.abspath(folder / name)) for name in frame["path"]]
    if "age" in frame.columns:
        frame["age"] = frame["age"].replace(DAMAGED_AGES)
    return frame


def _renamed(frame: pd.DataFrame, column: str, name: str, source: Path) -> pd.DataFrame:
    if column != name and name in frame.columns:
        raise DataError(f"{source} has the columns {column!r} and {name!r}; keep one of them")
    return frame.rename(columns={column: name})


def _column(frame: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    """The column with the first of these names."""
    by_name = {str(column).strip().lower(): column for column in reversed(frame.columns)}
    return next((by_name[name] for name in names if name in by_name), None)


def _label_column(frame: pd.DataFrame) -> str | None:
    return _column(frame, LABEL_NAMES) or next(filter(counted_label, frame.columns), None)


def _photo(path: str) -> str:
    """The path, or what it means: tables often leave the ending of a name out."""
    if not os.path.splitext(path)[1] and not os.path.lexists(path):
        with_ending = (path + suffix for suffix in sorted(SUFFIXES))
        return next(filter(os.path.lexists, with_ending), path)
    return path
