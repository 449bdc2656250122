"""CelebA's own files: attributes, identities, the official partition, and `img_align_celeba/`."""

from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from pilah.errors import DataError
from pilah.runs.splits import SPLITS
from pilah.types import LABELS

ATTRIBUTES = "list_attr_celeba.txt"
IDENTITIES = "identity_CelebA.txt"
PARTITION = "list_eval_partition.txt"
IMAGES = "img_align_celeba"


def read_celeba(folder: Path) -> pd.DataFrame:
    """List CelebA's images; none is opened.

    Returns:
        `path`, `label` (the attribute `Male`), `identity`, `split` (the official one), and the
        other attributes as they are (-1 or 1). Identity and split are "" where the two files
        that hold them are absent or silent.

    Raises:
        DataError: the attribute file is missing, cut short, or has a row without a 1 or -1
            for each attribute; or one of the other two files has a line that is not a pair.
    """
    names, attributes = _read_attributes(folder / ATTRIBUTES)
    identities = dict(_read_pairs(folder / IDENTITIES))
    parts = {name: SPLITS[int(part)] for name, part in _read_pairs(folder / PARTITION)}
    images = folder.absolute() / IMAGES
    return pd.DataFrame(
        {
            "path": [str(images / name) for name in names],
            "label": np.array(LABELS)[(attributes.pop("Male") == 1).astype(int)],
            "identity": [identities.get(name, "") for name in names],
            "split": [parts.get(name, "") for name in names],
        }
    ).join(attributes)


def _read_attributes(path: Path) -> tuple[list[str], pd.DataFrame]:
    """Image names, and their attributes as int8: 202,599 rows of 40 are 8 MB."""
    if not path.is_file():
        raise DataError(f"no file at {path}; put CelebA's {ATTRIBUTES} there")
    names: list[str] = []
    values = array("b")
    with path.open(encoding="utf-8") as lines:
        count = next(lines, "").strip()
        columns = next(lines, "").split()
        if not count.isdigit() or "Male" not in columns:
            raise DataError(
                f"{path} does not begin with a count and a line of attribute names with Male; "
                f"bring CelebA's {ATTRIBUTES} as it was published"
            )
        for number, line in enumerate(lines, start=3):
            name, *row = line.split() or [""]
            if not name:
                continue
            if len(row) != len(columns):
                raise DataError(
                    f"{path}, line {number}: {name} has {len(row)} values, the header names "
                    f"{len(columns)}; correct that line or get the file again"
                )
            for value in row:
                if value not in ("1", "-1"):
                    raise DataError(
                        f"{path}, line {number}: {name} has the value {value!r}, an attribute is "
                        "1 or -1; correct that line or get the file again"
                    )
                values.append(int(value))
            names.append(name)
    if len(names) != int(count):
        raise DataError(
            f"{path} announces {count} images and lists {len(names)}; correct its first line or "
            "get the file again"
        )
    table = np.frombuffer(values, dtype=np.int8).reshape(len(names), len(columns))
    return names, pd.DataFrame(table, columns=columns)


def _read_pairs(path: Path) -> Iterator[tuple[str, str]]:
    """Pairs of an image's name and a number; some copies of the files have a header line."""
    if not path.is_file():
        return
    limit = len(SPLITS) if path.name == PARTITION else None
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            fields = line.split()
            if not fields or (number == 1 and not fields[-1].isdigit()):
                continue
            if len(fields) != 2 or not fields[1].isdigit() or (limit and int(fields[1]) >= limit):
                raise DataError(
                    f"{path}, line {number}: {line.strip()!r} is not an image and its number; "
                    "correct that line or get the file again"
                )
            yield fields[0], fields[1]
