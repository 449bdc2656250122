"""Which images repeat another one, exactly or nearly, and which contradict one."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Ints = npt.NDArray[np.int64]

NEAR_BITS = 3
"""Two images are near duplicates when at most so many of their 64 hash bits differ.

Chosen by eye on aligned CelebA faces: at 3 nearly all pairs are one photo, saved or
recoloured anew.
"""


def find_originals(paths: "pd.Series[str]", pixels: "pd.Series[bytes]") -> "pd.Series[str]":
    """Name for each image the one that it repeats pixel by pixel.

    Of several equal images the first by path is the original.

    Returns:
        The original's path, "" for an image that repeats none; indexed as `paths`.
    """
    original = paths.groupby(pixels).transform("min")
    return original.where(original != paths, "")


def find_conflicts(frame: pd.DataFrame, pixels: "pd.Series[bytes]") -> dict[str, str]:
    """Find the images whose pixels are there under both labels, so that one of the labels is wrong.

    Args:
        frame: images with `path` and `label`.
        pixels: digests of their pixels, indexed as `frame`.

    Returns:
        For the path of each such image, what it contradicts.
    """
    both = frame.groupby(pixels)["label"].transform("nunique") > 1
    found = {}
    for _, group in frame[both].groupby(pixels[both]):
        first = group.groupby("label")["path"].min()
        for path, label in zip(group["path"], group["label"], strict=True):
            other = first.drop(label)
            found[path] = (
                f"labelled {label}, but {other.iloc[0]} is the same, labelled {other.index[0]}"
            )
    return found


def group_near(looks: npt.NDArray[np.uint64]) -> Ints:
    """Number the groups of images that look alike.

    Hashes that differ in at most `NEAR_BITS` bits are linked, and links chain. If 64 bits are cut
    into `NEAR_BITS` + 1 pieces, such hashes agree on a whole piece (pigeonhole), so only images
    that share a piece are compared.

    Args:
        looks: perceptual hashes, shape (n,).

    Returns:
        Group numbers, shape (n,); an image like no other is alone in its group.
    """
    unique, position = np.unique(looks, return_inverse=True)
    pairs = np.concatenate(list(_near_pairs(unique)), axis=1)
    return connect(len(unique), pairs)[position]


def connect(count: int, pairs: Ints) -> Ints:
    """Number the connected groups of `count` things, of which `pairs` (shape (2, m)) are linked."""
    links = coo_array((np.ones(pairs.shape[1], dtype=bool), tuple(pairs)), shape=(count, count))
    group: Ints = connected_components(links, directed=False)[1].astype(np.int64)
    return group


def _near_pairs(looks: npt.NDArray[np.uint64]) -> Iterator[Ints]:
    """Pairs of positions whose hashes are near, shape (2, m), once for each piece they share."""
    width = 64 // (NEAR_BITS + 1)
    for start in range(0, 64, width):
        piece = (looks >> np.uint64(start)) & np.uint64(2**width - 1)
        order = np.argsort(piece, kind="stable")
        piece = piece[order]
        # Equal pieces are now neighbours: compare each with the next, the next but one, and so on,
        # for as long as its piece goes on.
        left = np.arange(len(looks))
        step = 0
        while len(left):
            step += 1
            left = left[left < len(looks) - step]
            left = left[piece[left] == piece[left + step]]
            pair = np.stack([order[left], order[left + step]])
            differing = (looks[pair[0]] ^ looks[pair[1]]).view(np.uint8).reshape(-1, 8)
            yield pair[:, np.unpackbits(differing, axis=1).sum(axis=1) <= NEAR_BITS]
