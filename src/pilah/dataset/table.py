"""A CSV `path,label[,identity,split,...]` of the user's own."""

from pathlib import Path

import pandas as pd

from pilah.dataset.manifest import check_values, read_text_table
from pilah.errors import DataError
from pilah.types import LABELS

REMEDY = "give a CSV with the columns path,label"


def read_table(path: Path) -> pd.DataFrame:
    """List the images of a CSV; none is opened.

    Paths are relative to the CSV's folder. A label is female or male, or 0 or 1 as CelebA counts.

    Returns:
        `path`, `label`, `identity`, `split` ("" where the CSV has no such column), and the CSV's
        other columns as they are.

    Raises:
        DataError: the CSV cannot be read, lacks a column, or has another label.
    """
    frame = read_text_table(path, remedy=REMEDY)
    for name in ("path", "label"):
        if name not in frame.columns:
            raise DataError(
                f"{path} has no column {name!r} among {','.join(frame.columns)}; {REMEDY}"
            )
    for name in ("identity", "split"):
        if name not in frame.columns:
            frame[name] = ""
    frame["label"] = frame["label"].str.strip().replace({"0": LABELS[0], "1": LABELS[1]})
    check_values(frame["label"], LABELS, path)
    folder = path.absolute().parent
    frame["path"] = [str(folder / name) for name in frame["path"]]
    # A manifest is a CSV too; its duplicates are looked for anew.
    return frame.drop(columns="duplicate_of", errors="ignore")
