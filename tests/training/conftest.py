"""Small labelled images that a network can learn within seconds: bright or dark."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image


@pytest.fixture
def manifest(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes `count` images and their manifest, three splits of them."""

    def write(count: int = 40, side: int = 32) -> Path:
        folder = tmp_path / "images"
        folder.mkdir()
        random = np.random.default_rng(0)
        rows = []
        for index in range(count):
            male = index % 2
            level = random.integers(150, 250) if male else random.integers(5, 100)
            pixels = random.integers(-5, 6, (side, side, 3)) + level
            path = folder / f"{index}.png"
            Image.fromarray(pixels.astype(np.uint8)).save(path)
            split = ("train", "train", "train", "validation", "test")[index // 2 % 5]
            rows.append((path, ("female", "male")[male], "", split, ""))
        columns = ["path", "label", "identity", "split", "duplicate_of"]
        manifest = tmp_path / "manifest.csv"
        pd.DataFrame(rows, columns=columns).to_csv(manifest, index=False)
        return manifest

    return write
