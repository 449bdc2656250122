"""CelebA's files: attributes, identities, the official partition and the aligned images.

As it was published (`.txt`, in one folder or in `Anno/`, `Eval/` and `Img/`), or as Kaggle has it
(`.csv`, without identities, the images in a folder inside a folder).
"""

import csv
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from pilah.errors import DataError
from pilah.runs.splits import SPLITS
from pilah.types import LABELS

ATTRIBUTES = "list_attr_celeba"
IDENTITIES = "identity_CelebA"
PARTITION = "list_eval_partition"
IMAGES = "img_align_celeba"

VALUES = {"1": 1, "-1": -1, "0": -1}
"""An attribute is there or not; some copies write 0 for not."""


def is_celeba(folder: Path) -> bool:
    """Whether a folder has one of CelebA's files, or its images."""
    names = (ATTRIBUTES, IDENTITIES, PARTITION)
    return any(_file(folder, name).is_file() for name in names) or _images(folder).is_dir()


def read_celeba(folder: Path) -> pd.DataFrame:
    """List CelebA's images; none is opened.

    Returns:
        `path`, `label` (the attribute `Male`), `identity`, `split` (the official one), and the
        other attributes as they are (-1 or 1). Identity and split are "" where the two files
        that hold them are absent or silent.

    Raises:
        DataError: the attribute file is missing, cut short, or has a row without a value for each
            attribute; or one of the other two files has a line that is not a pair.
    """
    names, attributes = _read_attributes(_file(folder, ATTRIBUTES))
    identities = dict(_read_pairs(_file(folder, IDENTITIES)))
    parts = {
        name: SPLITS[int(part)]
        for name, part in _read_pairs(_file(folder, PARTITION), limit=len(SPLITS))
    }
    images = _images(folder.absolute())
    return pd.DataFrame(
        {
            "path": [str(images / name) for name in names],
            "label": np.array(LABELS)[(attributes.pop("Male") == 1).astype(int)],
            "identity": [identities.get(name, "") for name in names],
            "split": [parts.get(name, "") for name in names],
        }
    ).join(attributes)


def _file(folder: Path, name: str) -> Path:
    """Where a file lies, with either ending; where it would lie, if it does not."""
    places = [folder / inside for inside in ("", "Anno", "Eval")]
    found = [place / f"{name}{end}" for place in places for end in (".txt", ".csv")]
    return next((path for path in found if path.is_file()), found[0])


def _images(folder: Path) -> Path:
    """The folder that holds the images themselves."""
    found = [folder / IMAGES / IMAGES, folder / "Img" / IMAGES / IMAGES, folder / "Img" / IMAGES]
    return next((path for path in found if path.is_dir()), folder / IMAGES)


def _read_attributes(path: Path) -> tuple[list[str], pd.DataFrame]:
    """Image names, and their attributes as int8: 202,599 rows of 40 are 8 MB."""
    if not path.is_file():
        raise DataError(
            f"no file at {path}; put CelebA's {ATTRIBUTES}.txt there, or Kaggle's {ATTRIBUTES}.csv"
        )
    names: list[str] = []
    values = array("b")
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = _fields(file, path)
        count = None if path.suffix == ".csv" else next(lines, (1, []))[1]
        header = next(lines, (2, []))[1]
        columns = header[1:] if path.suffix == ".csv" else header
        if "Male" not in columns or (count is not None and not "".join(count).isdigit()):
            raise DataError(
                f"{path} does not start with the attribute names (Male among them), as "
                "CelebA's does; download it again"
            )
        for number, (name, *row) in lines:
            if len(row) != len(columns):
                raise DataError(
                    f"{path}, line {number}: {name} has {len(row)} values, the header names "
                    f"{len(columns)}; correct that line or download it again"
                )
            for value in row:
                if value not in VALUES:
                    raise DataError(
                        f"{path}, line {number}: {name} has the value {value!r}, an attribute is "
                        "1 or -1; correct that line or download it again"
                    )
                values.append(VALUES[value])
            names.append(name)
    if count is not None and len(names) != int(count[0]):
        raise DataError(
            f"{path} says that it has {count[0]} images, but lists {len(names)}; correct its first "
            "line or download the file again"
        )
    table = np.frombuffer(values, dtype=np.int8).reshape(len(names), len(columns))
    return names, pd.DataFrame(table, columns=columns)


def _read_pairs(path: Path, *, limit: int | None = None) -> Iterator[tuple[str, str]]:
    """Pairs of an image's name and a number below `limit`; some copies have a header line."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, fields in _fields(file, path):
            if number == 1 and not fields[-1].isdigit():
                continue
            if len(fields) != 2 or not fields[1].isdigit() or (limit and int(fields[1]) >= limit):
                raise DataError(
                    f"{path}, line {number}: {' '.join(fields)!r} is not an image and its number; "
                    "correct that line or download it again"
                )
            yield fields[0], fields[1]


def _fields(lines: Iterator[str], path: Path) -> Iterator[tuple[int, list[str]]]:
    """The number and the fields of each line that is not empty."""
    rows = csv.reader(lines) if path.suffix == ".csv" else map(str.split, lines)
    try:
        yield from ((number, row) for number, row in enumerate(rows, start=1) if row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read ({error}); download it again") from None
