"""manifest.csv -> batches, in an order that depends on nothing but the seed and the epoch."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import keras
import numpy as np
from PIL import Image

from pilah.errors import DataError, ImageError
from pilah.faces.crop import centre_crop
from pilah.images import read
from pilah.progress import tracked

Variation = Callable[[np.ndarray[Any, Any], int], np.ndarray[Any, Any]]
"""Makes the picture that the network sees of an image and its item number."""

Teacher = Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]
"""What another model says of a batch of pictures: probabilities of shape (n, 2)."""


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
    Each is brought to `size_hw`, unless that is None: then it comes as large as it is stored.
    """

    def __init__(
        self,
        images: np.ndarray[Any, Any],
        mirrored: np.ndarray[Any, Any],
        size_hw: tuple[int, int] | None = None,
    ) -> None:
        """Take uint8 images of shape (n, height, width, 3) and the numbers of those to mirror."""
        self.images = images
        self.mirrored = mirrored
        self.size_hw = size_hw

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
        return [images if self.size_hw is None else resize(images, self.size_hw)]


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of one epoch, for `fit`, `evaluate` and `predict`."""

    def __init__(
        self,
        source: Source,
        items: np.ndarray[Any, Any],
        targets: np.ndarray[Any, Any],
        *,
        batch_size: int,
        weights: np.ndarray[Any, Any] | None = None,
        vary: Variation | None = None,
        teacher: Teacher | None = None,
        teacher_weight: float = 0.5,
        first: int = 0,
    ) -> None:
        """Batch `items` of a source in the order given.

        Args:
            source: where the arrays come from.
            items: item numbers of shape (n,).
            targets: one-hot labels of shape (n, 2), in the order of `items`.
            batch_size: items in a batch; the last one may be smaller.
            weights: how much each item counts in the loss, shape (n,); None: all alike.
            vary: what is done to each image on its way.
            teacher: another model that is asked about each picture, if any.
            teacher_weight: how much of a target is the teacher's answer; the rest is the label.
            first: number of the batch to begin with, for an epoch that was interrupted.
        """
        super().__init__()
        done = first * batch_size
        self.source, self.items, self.targets = source, items[done:], targets[done:]
        self.weights = None if weights is None else weights[done:]
        self.batch_size, self.vary = batch_size, vary
        self.teacher, self.teacher_weight = teacher, teacher_weight

    def __len__(self) -> int:
        """Number of batches."""
        return -(-len(self.items) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """Inputs, targets (one-hot labels without a teacher), and weights if any, of one batch."""
        part = slice(index * self.batch_size, (index + 1) * self.batch_size)
        items = self.items[part]
        inputs = self.source.take(items)
        if self.vary is not None:
            pairs = zip(inputs[0], items.tolist(), strict=True)
            inputs = [np.stack([self.vary(image, item) for image, item in pairs])]
        targets = self.targets[part]
        if self.teacher is not None:
            weight = self.teacher_weight
            targets = (1 - weight) * targets + weight * self.teacher(inputs[0])
        batch = (inputs[0] if len(inputs) == 1 else tuple(inputs)), targets
        return batch if self.weights is None else (*batch, self.weights[part])


def resize(images: np.ndarray[Any, Any], size_hw: tuple[int, int]) -> np.ndarray[Any, Any]:
    """The largest centred part of each image that has the proportions of `size_hw`, in that size.

    Args:
        images: uint8 of shape (n, h, w, 3).
        size_hw: height and width to return.
    """
    if images.shape[1:3] == size_hw:
        return images
    return np.stack([centre_crop(Image.fromarray(image), size_hw) for image in images])


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

    def put(index: int) -> None:
        array[index] = _read(paths[index], size_hw)

    with ThreadPoolExecutor() as pool:
        for _ in tracked(pool.map(put, range(len(paths))), "Reading faces", total=len(paths)):
            pass


def _read(path: str, size_hw: tuple[int, int]) -> np.ndarray[Any, Any]:
    try:
        return centre_crop(read(path).image, size_hw)
    except (ImageError, OSError) as error:
        raise DataError(
            f"{path} of the manifest cannot be read ({error}); run `pilah prepare` again"
        ) from None
