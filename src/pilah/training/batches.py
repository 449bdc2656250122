"""manifest.csv -> batches, in an order that depends on nothing but the seed and the epoch."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import keras
import numpy as np
from rich.progress import track

from pilah.errors import DataError, ImageError
from pilah.framing import cut, fit_crop
from pilah.images import load
from pilah.types import Box


class Source(Protocol):
    """What the network is fed from: item numbers in, a list of arrays out."""

    def __len__(self) -> int:
        """How many items there are."""

    def take(self, items: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
        """The arrays of these items, first axis as long as `items`."""


class Arrays:
    """Items that lie ready in (memory-mapped) arrays."""

    def __init__(self, arrays: Sequence[np.ndarray[Any, Any]]) -> None:
        """Take arrays of equal length."""
        self.arrays = list(arrays)

    def __len__(self) -> int:
        """How many items there are."""
        return len(self.arrays[0])

    def take(self, items: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
        """The arrays of these items, as float32."""
        return [array[items].astype(np.float32) for array in self.arrays]


class Views:
    """The images, and behind them the mirrored twins of those in `mirrored`.

    Item i below `len(images)` is image i; item `len(images) + k` is image `mirrored[k]` mirrored.
    """

    def __init__(self, images: np.ndarray[Any, Any], mirrored: np.ndarray[Any, Any]) -> None:
        """Take uint8 images of shape (n, height, width, 3) and the numbers of those to mirror."""
        self.images = images
        self.mirrored = mirrored

    def __len__(self) -> int:
        """How many items there are, mirrored twins counted."""
        return len(self.images) + len(self.mirrored)

    def take(self, items: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
        """One uint8 array of shape (len(items), height, width, 3)."""
        count = len(self.images)
        is_mirrored = items >= count
        rows = items.copy()
        rows[is_mirrored] = self.mirrored[items[is_mirrored] - count]
        images = np.asarray(self.images[rows])
        images[is_mirrored] = images[is_mirrored, :, ::-1]
        return [images]


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of one epoch, for `fit`, `evaluate` and `predict`."""

    def __init__(
        self,
        source: Source,
        items: np.ndarray[Any, Any],
        targets: np.ndarray[Any, Any],
        *,
        batch_size: int,
        zoom: np.random.Generator | None = None,
    ) -> None:
        """Batch `items` of a source in the order given.

        Args:
            source: where the arrays come from.
            items: item numbers of shape (n,).
            targets: one-hot labels of shape (n, 2), in the order of `items`.
            batch_size: items in a batch; the last one may be smaller.
            zoom: when given, each image is cut to a random part of it, 75% to 100% of its sides.
        """
        super().__init__()
        self.source, self.items, self.targets = source, items, targets
        self.batch_size, self.zoom = batch_size, zoom

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self.items) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, np.ndarray[Any, Any]]:
        """Inputs and one-hot labels of one batch."""
        part = slice(index * self.batch_size, (index + 1) * self.batch_size)
        inputs = self.source.take(self.items[part])
        if self.zoom is not None:
            inputs = [np.stack([_zoomed(image, self.zoom) for image in inputs[0]])]
        return (inputs[0] if len(inputs) == 1 else tuple(inputs)), self.targets[part]


def epoch_items(
    rows: np.ndarray[Any, Any], *, first_mirrored: int | None, seed: int, epoch: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The order of the training rows in an epoch, and the item that stands for each.

    Args:
        rows: numbers of the training rows, of shape (n,).
        first_mirrored: item number of the first row's mirrored twin; None without flips. Each row
            is mirrored with probability one half.
        seed: of the recipe.
        epoch: counted from 0.

    Returns:
        Shuffled rows, and their items, both of shape (n,).
    """
    random = np.random.default_rng((seed, epoch))
    order = random.permutation(len(rows))
    items = rows[order]
    if first_mirrored is not None:
        items = np.where(random.random(len(rows)) < 0.5, items, first_mirrored + order)
    return rows[order], items


def decode_crops(
    paths: Sequence[str], array: np.ndarray[Any, Any], size_hw: tuple[int, int]
) -> None:
    """Read face crops into `array`, uint8 of shape (n, height, width, 3), on all cores.

    Raises:
        DataError: a file is missing or cannot be read.
    """

    def read(index: int) -> None:
        array[index] = _read(paths[index], size_hw)

    with ThreadPoolExecutor() as pool:
        for _ in track(
            pool.map(read, range(len(paths))), "Reading faces", total=len(paths), transient=True
        ):
            pass


def _read(path: str, size_hw: tuple[int, int]) -> np.ndarray[Any, Any]:
    try:
        return fit_crop(load(path), size_hw)
    except (ImageError, OSError) as error:
        raise DataError(
            f"{path} of the manifest cannot be read ({error}); run `pilah prepare` again"
        ) from None


def _zoomed(image: np.ndarray[Any, Any], random: np.random.Generator) -> np.ndarray[Any, Any]:
    height, width = image.shape[:2]
    scale = random.uniform(0.75, 1.0)
    left = random.uniform(0, width * (1 - scale))
    top = random.uniform(0, height * (1 - scale))
    part = Box(left, top, left + width * scale, top + height * scale)
    return cut(image, part, (height, width))
