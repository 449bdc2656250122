"""A network that trains in seconds, and images for it."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

TINY = """
name = "tiny"
[data]
size_hw = [64, 52]
[model]
backbone = "resnet50_v2"
pretrained = "none"
trainable = 0
pooling = "average"
hidden = []
"""


def write_manifest(to: Path, count: int = 40, side: int = 32) -> Path:
    """Write `count` images, bright for male and dark for female, and a manifest of three splits."""
    folder = to / "images"
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
    manifest = to / "manifest.csv"
    pd.DataFrame(rows, columns=columns).to_csv(manifest, index=False)
    return manifest
