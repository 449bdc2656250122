"""A folder with `female/` and `male/`: the folder's name is the label."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from pilah.dataset.labels import label_of
from pilah.formats import is_photo_name
from pilah.types import LABELS


def label_folders(folder: Path) -> list[tuple[Path, str]]:
    """The folders in a folder that are called like a label, such as `Male` or `women`."""
    inside = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return [(path, label) for path in inside if (label := label_of(path.name))]


def read_folders(folder: Path) -> pd.DataFrame:
    """List the photos below `female/` and `male/` by their names; none is opened.

    Photos are what `pilah sort` takes for one by its name, and files whose name has no ending.
    Hidden files and folders are left out.

    Returns:
        `path` and `label`; identity and split are unknown, hence "".
    """
    found = sorted(label_folders(folder.absolute()), key=lambda pair: LABELS.index(pair[1]))
    rows = [
        {"path": str(path), "label": label, "identity": "", "split": ""}
        for inside, label in found
        for path in sorted(_photos(inside))
    ]
    return pd.DataFrame(rows, columns=["path", "label", "identity", "split"])


def _photos(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            if not path.is_symlink():
                yield from _photos(path)
        elif is_photo_name(path.name) or not path.suffix:
            yield path
