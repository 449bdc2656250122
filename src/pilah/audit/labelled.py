"""The labelled photos of an audit, and the columns whose values are groups."""

from pathlib import Path

import pandas as pd

from pilah.dataset.manifest import COLUMNS, check_once
from pilah.dataset.table import read_labelled
from pilah.errors import DataError

MAX_GROUPS = 20
"""A column with more different values names things, not groups."""
NOT_STATED = "not stated"
CELEBA_VALUES = {"-1": "no", "1": "yes"}


def read_photos(path: Path, *, split: str | None) -> pd.DataFrame:
    """List the labelled photos of a CSV or a manifest, without its duplicates.

    Args:
        path: a CSV as `pilah.dataset.table.read_labelled` reads it.
        split: keep this split only.

    Returns:
        `path`, `label`, and the CSV's other columns as text. Where a column holds CelebA's -1 and 1
        only, they read `no` and `yes`; what is empty reads `not stated`.

    Raises:
        DataError: the CSV cannot be used, or holds no photo of that split.
    """
    frame = read_labelled(path)
    if "duplicate_of" in frame.columns:
        frame = frame[frame["duplicate_of"] == ""]
    if split is not None:
        known = sorted(set(frame["split"]) - {""})
        frame = frame[frame["split"] == split]
        if frame.empty:
            raise DataError(
                f"{path} has no photo in a split {split!r}; its splits: "
                f"{', '.join(known) or 'none'}"
            )
    if frame.empty:
        raise DataError(f"{path} has no photos; give a CSV with a line a photo")
    check_once(frame, path)
    frame = frame.reset_index(drop=True)
    for name in (name for name in frame.columns if name not in COLUMNS):
        frame[name] = frame[name].str.strip().replace("", NOT_STATED)
        if set(frame[name]) <= set(CELEBA_VALUES):
            frame[name] = frame[name].replace(CELEBA_VALUES)
    return frame


def group_columns(frame: pd.DataFrame, by: list[str] | None, source: Path) -> list[str]:
    """The columns to audit by: `label`, then those of `by`.

    Args:
        frame: what `read_photos` gave.
        by: names of columns; None takes every column of 2 to `MAX_GROUPS` different values.
        source: the CSV, for the message of an error.

    Raises:
        DataError: a named column is not there, or is not one of groups.
    """
    others = [name for name in frame.columns if name not in COLUMNS]
    if by is None:
        return ["label", *(name for name in others if 2 <= frame[name].nunique() <= MAX_GROUPS)]
    for name in by:
        if name not in ("label", *others):
            raise DataError(
                f"{source} has no column {name!r} to audit by; its columns: "
                f"{', '.join(others) or 'path and label only'}"
            )
        count = frame[name].nunique()
        if not 2 <= count <= MAX_GROUPS and name != "label":
            raise DataError(
                f"the column {name!r} has {count:,} different values among these photos; audit by "
                f"columns of 2 to {MAX_GROUPS}"
            )
    return ["label", *dict.fromkeys(name for name in by if name != "label")]
