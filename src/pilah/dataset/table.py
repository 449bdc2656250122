"""A CSV `path,label[,identity,split,...]` of the user's own, or as FairFace comes."""

from pathlib import Path

import pandas as pd

from pilah.dataset.manifest import check_values, read_text_table
from pilah.errors import DataError
from pilah.types import LABELS

REMEDY = "give a CSV with the columns path,label"
OTHER_NAMES = {"path": "file", "label": "gender"}
OTHER_LABELS = {"0": LABELS[0], "-1": LABELS[0], "1": LABELS[1]}
DAMAGED_AGES = {"03-Sep": "3-9", "Oct-19": "10-19"}
"""What a spreadsheet made of two of FairFace's age groups in the copies that go round."""


def read_table(path: Path) -> pd.DataFrame:
    """List the images of a CSV, without what it says of duplicates: they are looked for anew.

    See `read_labelled`.
    """
    return read_labelled(path).drop(columns="duplicate_of", errors="ignore")


def read_labelled(path: Path) -> pd.DataFrame:
    """List the images of a CSV or a manifest; none is opened.

    Paths are relative to the CSV's folder. `file` serves for `path` and `gender` for `label`, as
    FairFace has them. A label is female or male, or 0 or -1 and 1 as CelebA counts.

    Returns:
        `path`, `label`, `identity`, `split` ("" where the CSV has no such column), and the CSV's
        other columns as they are.

    Raises:
        DataError: the CSV cannot be read, lacks a column, or has another label.
    """
    frame = read_text_table(path, remedy=REMEDY)
    for name, other in OTHER_NAMES.items():
        if name not in frame.columns:
            frame = frame.rename(columns={other: name})
    for name in ("path", "label"):
        if name not in frame.columns:
            raise DataError(
                f"{path} has no column {name!r} among {','.join(frame.columns)}; {REMEDY}"
            )
    for name in ("identity", "split"):
        if name not in frame.columns:
            frame[name] = ""
    frame["label"] = frame["label"].str.strip().str.lower().replace(OTHER_LABELS)
    check_values(frame["label"], LABELS, path)
    folder = path.absolute().parent
    frame["path"] = [str(folder / name) for name in frame["path"]]
    if "age" in frame.columns:
        frame["age"] = frame["age"].replace(DAMAGED_AGES)
    return frame
