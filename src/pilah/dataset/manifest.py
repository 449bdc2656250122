"""manifest.csv: the one table that every later stage reads.

Columns `path,label,identity,split,duplicate_of`, then whatever else the source said about an image.
Of these `weight`, if there is one, says how much a face counts in training, and `photo` which photo
a crop was cut out of.
All values are text. A duplicate keeps its row, names the image that it repeats, and has no split.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from pilah.csv_lines import write_csv
from pilah.errors import DataError
from pilah.runs.splits import SPLITS
from pilah.types import LABELS

COLUMNS = ("path", "label", "identity", "split", "duplicate_of")
MIN_IMAGES = 10


def write_manifest(frame: pd.DataFrame, path: Path) -> None:
    """Write the rows of `frame` with the contract's columns first."""
    others = [name for name in frame.columns if name not in COLUMNS]
    write_csv(frame[[*COLUMNS, *others]], path)


def read_manifest(path: Path) -> pd.DataFrame:
    """Read and check a manifest.

    Returns:
        One row per image, duplicates included; every column holds text, "" where nothing is known.

    Raises:
        DataError: the file is missing or is not a manifest of at least 10 images of two labels,
            each listed once by an absolute path.
    """
    frame = read_text_table(path, remedy="create one with `pilah prepare`")
    if missing := [name for name in COLUMNS if name not in frame.columns]:
        raise DataError(
            f"{path} has no column {missing[0]!r}; a manifest has the columns {','.join(COLUMNS)}, "
            "create one with `pilah prepare`"
        )
    relative = ~frame["path"].map(os.path.isabs)
    if relative.any():
        row = int(relative.to_numpy().argmax())
        raise DataError(
            f"{path}, line {row + 2}: {frame['path'].iloc[row]!r} is not an absolute path; correct "
            "that line"
        )
    check_once(frame, path)
    check_values(frame["label"], LABELS, path)
    check_values(frame["split"], (*SPLITS, ""), path)
    kept = frame["duplicate_of"] == ""
    if (kept == (frame["split"] == "")).any():
        raise DataError(
            f"{path} has an image without a split, or a duplicate with one; "
            "run `pilah prepare` again"
        )
    check_enough(frame[kept], path)
    return frame


def read_text_table(path: Path, *, remedy: str) -> pd.DataFrame:
    """Read a CSV whose values stay the text that they are.

    Columns are separated by commas, semicolons or tabs, as the header line is.

    Raises:
        DataError: the file is missing or is not a CSV; the message ends with `remedy`.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
        mark = max(",;\t", key=header.count)
        return pd.read_csv(
            path, sep=mark, dtype=str, keep_default_na=False, index_col=False, encoding="utf-8-sig"
        )
    except FileNotFoundError:
        raise DataError(f"no file at {path}; {remedy}") from None
    except UnicodeDecodeError:
        raise DataError(
            f"{path} cannot be read as a CSV file (it is not UTF-8 text); {remedy}, and save it in "
            "a spreadsheet as CSV UTF-8"
        ) from None
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise DataError(f"{path} cannot be read as a CSV file ({reason}); {remedy}") from None


def check_values(column: "pd.Series[str]", allowed: tuple[str, ...], source: Path) -> None:
    """Refuse a column of a table with a value that is not allowed, naming its line.

    Raises:
        DataError: a value is not one of `allowed`.
    """
    wrong = ~column.isin(allowed)
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise DataError(
            f"{source}, line {row + 2}: {column.name} {column.iloc[row]!r} is not one of "
            f"{', '.join(value for value in allowed if value)}; correct that line"
        )


def check_enough(
    frame: pd.DataFrame, source: Path, left_out: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Refuse what cannot be learned from.

    Args:
        frame: the images that can be used.
        source: what they come from, for the message of an error.
        left_out: by path why others cannot be used; the message gives the first one.

    Raises:
        DataError: there are fewer than 10 images, or one label only.
    """
    first = next(iter(left_out), None)
    why = f"; {len(left_out):,} are left out, such as {first} ({left_out[first]})" if first else ""
    if len(frame) < MIN_IMAGES:
        raise DataError(
            f"{source} has {len(frame)} usable images; provide at least {MIN_IMAGES}, with both "
            f"labels{why}"
        )
    for label in LABELS:
        if not (frame["label"] == label).any():
            raise DataError(
                f"{source} has no usable image with the label {label}; provide images of both "
                f"labels{why}"
            )


def check_split(manifest: pd.DataFrame, split: str, source: Path) -> None:
    """Refuse a split without images of both labels.

    Raises:
        DataError: it has none of a label.
    """
    for label in LABELS:
        if not ((manifest["split"] == split) & (manifest["label"] == label)).any():
            raise DataError(
                f"{source} has no {split} images with the label {label}; run `pilah prepare` with "
                "other --fractions or another --split"
            )


def cut_out_of(manifest: pd.DataFrame) -> "pd.Series[str]":
    """The photo that each crop was cut out of, "" where none is known.

    `pilah prepare` writes absolute paths; another table's column `photo` may hold anything.
    """
    if "photo" not in manifest:
        return pd.Series("", index=manifest.index)
    return manifest["photo"].where(manifest["photo"].map(os.path.isabs), "")


def check_once(frame: pd.DataFrame, source: Path) -> None:
    """Refuse a source that lists an image twice: its labels might differ.

    Raises:
        DataError: two rows have the same path.
    """
    twice = frame["path"].map(os.path.normpath).duplicated()
    if twice.any():
        raise DataError(f"{source} lists {frame['path'][twice].iloc[0]} twice; keep one row")


def describe(frame: pd.DataFrame) -> dict[str, Any]:
    """What a run remembers of its data: `data_digest`, and the faces by split and label."""
    kept = frame[frame["split"] != ""]
    counts = pd.crosstab(kept["split"], kept["label"])
    labels = {
        split: {label: int(row.get(label, 0)) for label in LABELS}
        for split, row in counts.reindex(SPLITS).dropna().iterrows()
    }
    return {"data_digest": digest(frame), "labels": labels}


def digest(frame: pd.DataFrame) -> str:
    """Name the data: sha256 (hex) of the contract's columns, and of the weights if there are any.

    Paths count from their common folder, so that the same data has the same digest elsewhere.
    """
    folder = os.path.commonpath([os.path.dirname(path) for path in frame["path"]])
    rows = frame[[*COLUMNS, *frame.columns.intersection(["weight"])]].copy()
    for name in ("path", "duplicate_of"):
        rows[name] = [os.path.relpath(path, folder) if path else "" for path in rows[name]]
    return hashlib.sha256(rows.to_csv(index=False).encode()).hexdigest()
