"""Who is trained on, who is validated on, who is tested on."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from pilah.dataset.duplicates import connect
from pilah.errors import DataError
from pilah.runs.splits import SPLITS
from pilah.types import LABELS

Ints = npt.NDArray[np.int64]
Fractions = tuple[float, float, float]

WAYS = ("random", "identity", "official")
FRACTIONS: Fractions = (0.7, 0.2, 0.1)
"""Of train, validation and test: the study's."""


def parse_fractions(text: str) -> Fractions:
    """Read `0.7/0.2/0.1`: the shares of train, validation and test.

    Raises:
        DataError: the text is not three shares that add up to 1, or leaves nothing to train on.
    """
    try:
        train, validation, test = (float(part) for part in text.split("/"))
    except ValueError:
        train = validation = test = -1.0
    fractions = (train, validation, test)
    if (
        train == 0
        or not all(0 <= part <= 1 for part in fractions)
        or abs(sum(fractions) - 1) > 1e-9
    ):
        raise DataError(
            f"fractions {text!r} are not train/validation/test shares that add up to 1; "
            "write them like 0.7/0.2/0.1"
        )
    return fractions


def split_official(frame: pd.DataFrame) -> "pd.Series[str]":
    """Keep the split that the source names.

    Raises:
        DataError: an image has none, or one that is not train, validation or test.
    """
    wrong = ~frame["split"].isin(SPLITS)
    if wrong.any():
        first = frame[wrong].iloc[0]
        raise DataError(
            f"{int(wrong.sum())} images have no official split, such as {first['path']} "
            f"({first['split']!r}); name {', '.join(SPLITS)} for each, or use --split random"
        )
    return frame["split"]


def split_random(
    frame: pd.DataFrame, near: Ints, *, fractions: Fractions, seed: int
) -> "pd.Series[str]":
    """Split at random, stratified by label, near duplicates together.

    Args:
        frame: images with a `label`.
        near: number of each image's group of near duplicates.
        fractions: shares of train, validation and test.
        seed: the same seed gives the same split.

    Returns:
        A split for each image. Sizes are exact (the largest remainders are rounded up), unless
        a group is larger than what is left to fill.
    """
    return _fill(frame, near, fractions, seed)


def split_identity(
    frame: pd.DataFrame, near: Ints, *, fractions: Fractions, seed: int
) -> "pd.Series[str]":
    """Split so that no person is in two splits; else as `split_random`.

    An image of an unknown person counts as a person of its own.

    Raises:
        DataError: no identity is known.
    """
    known = np.flatnonzero(frame["identity"] != "")
    if not len(known):
        raise DataError("no identities are known; use --split random")
    person, _ = pd.factorize(frame["identity"].iloc[known])
    # People and near-duplicate groups are further things that images are linked to: whatever
    # hangs together over them is one block.
    count = len(frame)
    groups = int(near.max()) + 1
    links = np.concatenate(
        [
            np.stack([np.arange(count), count + near]),
            np.stack([known, count + groups + person]),
        ],
        axis=1,
    )
    blocks = connect(count + groups + int(person.max()) + 1, links)[:count]
    return _fill(frame, blocks, fractions, seed)


def quotas(label_counts: Sequence[int], fractions: Fractions) -> Ints:
    """How many images of each label belong in each split.

    The splits' sizes are the whole's shares with the largest remainders rounded up; within them
    each label's count is its own share, rounded up or down.

    Args:
        label_counts: images of each of the two labels.
        fractions: shares of train, validation and test.

    Returns:
        Counts, shape (2, 3): labels down, splits across.
    """
    exact = np.outer(label_counts, fractions)
    cells = _floor(exact)
    size = exact.sum(axis=0)
    largest_remainders = np.argsort(_floor(size) - size, kind="stable")
    spare = _floor(size) - cells.sum(axis=0)
    spare[largest_remainders[: sum(label_counts) - _floor(size).sum()]] += 1
    # A split may have 0, 1 or 2 images to spare, at most one of them for each label: the first
    # label takes the splits that have two, then those where its remainder is largest.
    order = np.lexsort(((cells - exact)[0], -spare))
    first = np.zeros_like(spare)
    first[order[: label_counts[0] - cells[0].sum()]] = 1
    counts: Ints = cells + np.stack([first, spare - first])
    return counts


def _floor(shares: npt.NDArray[np.float64]) -> Ints:
    # A share such as 0.29 * 100 = 28.999999999999996 is meant to be whole.
    whole: Ints = np.floor(shares + 1e-9).astype(np.int64)
    return whole


def _fill(frame: pd.DataFrame, blocks: Ints, fractions: Fractions, seed: int) -> "pd.Series[str]":
    """Put whole blocks of images into the splits, the largest blocks first, else in random order.

    Each goes where it overshoots the quotas least, and of such splits into the emptiest.
    """
    label = (frame["label"] == LABELS[1]).to_numpy().astype(np.int64)
    counts = np.zeros((int(blocks.max()) + 1, len(LABELS)), dtype=np.int64)
    np.add.at(counts, (blocks, label), 1)
    room = quotas(counts.sum(axis=0).tolist(), fractions).T.tolist()
    size = [sum(split) for split in room]
    usable = [split for split in range(len(SPLITS)) if size[split]]

    shuffled = np.random.default_rng(seed).permutation(len(counts))
    largest_first = shuffled[np.argsort(-counts[shuffled].sum(axis=1), kind="stable")]
    chosen = np.zeros(len(counts), dtype=np.int64)
    for block, (women, men) in zip(
        largest_first.tolist(), counts[largest_first].tolist(), strict=True
    ):
        overshoot = [max(0, women - room[s][0]) + max(0, men - room[s][1]) for s in usable]
        fill = [-sum(room[s]) / size[s] for s in usable]
        *_, best = min(zip(overshoot, fill, usable, strict=True))
        room[best][0] -= women
        room[best][1] -= men
        chosen[block] = best
    return pd.Series(np.array(SPLITS)[chosen[blocks]], index=frame.index)
