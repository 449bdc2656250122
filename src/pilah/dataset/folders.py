"""A folder with `female/` and `male/`: the folder's name is the label."""

from pathlib import Path

import pandas as pd
from PIL import Image

from pilah.types import LABELS


def read_folders(folder: Path) -> pd.DataFrame:
    """List the image files below `female/` and `male/` by their names; none is opened.

    Returns:
        `path` and `label`; identity and split are unknown, hence "".
    """
    suffixes = set(Image.registered_extensions())
    rows = [
        {"path": str(path), "label": label, "identity": "", "split": ""}
        for label in LABELS
        for path in sorted((folder.absolute() / label).rglob("*"))
        if path.suffix.lower() in suffixes and not path.name.startswith(".")
    ]
    return pd.DataFrame(rows, columns=["path", "label", "identity", "split"])
