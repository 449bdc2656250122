"""From a source of labelled photos to manifest.csv, labels.png and summary.txt."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from pilah.dataset.celeba import ATTRIBUTES, IDENTITIES, IMAGES, read_celeba
from pilah.dataset.duplicates import find_originals, group_near
from pilah.dataset.fingerprint import Fingerprint, fingerprints
from pilah.dataset.folders import read_folders
from pilah.dataset.manifest import check_enough, check_once, digest, write_manifest
from pilah.dataset.split import (
    WAYS,
    Fractions,
    Ints,
    split_identity,
    split_official,
    split_random,
)
from pilah.dataset.summary import Summary, plot_labels
from pilah.dataset.table import read_table
from pilah.errors import DataError
from pilah.files import staged, write_text
from pilah.types import LABELS

Track = Callable[[Iterable[Fingerprint], int], Iterable[Fingerprint]]
"""Passes fingerprints on and shows how many of a number have come."""


def prepare(
    source: Path,
    to: Path,
    *,
    split: str | None = None,
    fractions: Fractions = (0.7, 0.2, 0.1),
    seed: int = 0,
    strict: bool = False,
    track: Track = lambda items, _: items,
) -> Summary:
    """Index a source, drop duplicates, split, and write three files into the folder `to`.

    Args:
        source: CelebA's folder, a folder with `female/` and `male/`, or a CSV `path,label`.
        to: the folder for `manifest.csv`, `labels.png` and `summary.txt`; made if it is not there.
        split: random, identity or official; None is identity where identities are known, and
            random where they are not.
        fractions: shares of train, validation and test; the official split ignores them.
        seed: of the random and the identity split.
        strict: refuse a source with an image that cannot be used, instead of leaving it out.
        track: wraps the long part, for a progress bar.

    Raises:
        DataError: the source is not usable as a whole, or `to` has a manifest already. Nothing is
            written then.
    """
    if split not in (None, *WAYS):
        raise DataError(f"unknown split {split!r}; choose {', '.join(WAYS)}")
    if (to / "manifest.csv").exists():
        raise DataError(f"{to} has a manifest.csv already; remove it or choose another --to")
    frame = read_source(source)
    check_once(frame, source)
    check_enough(frame, source)

    paths = frame["path"].tolist()
    prints = list(track(fingerprints(paths), len(paths)))
    left_out = {path: p.problem for path, p in zip(paths, prints, strict=True) if p.problem}
    if strict and left_out:
        path, reason = next(iter(left_out.items()))
        raise DataError(
            f"{len(left_out):,} images cannot be used, the first is {path} ({reason}); "
            "fix or remove them, or leave out --strict"
        )
    usable = [not p.problem for p in prints]
    frame = frame[usable].reset_index(drop=True)
    good = [p for p in prints if not p.problem]
    frame["duplicate_of"] = find_originals(frame["path"], pd.Series([p.pixels for p in good]))
    is_kept = frame["duplicate_of"] == ""
    kept = frame[is_kept]
    check_enough(kept, source)

    near = group_near(np.array([p.look for p in good], dtype=np.uint64)[is_kept])
    split = split or ("identity" if (kept["identity"] != "").any() else "random")
    frame["split"] = _split(kept, near, split, fractions, seed)
    frame["split"] = frame["split"].fillna("")
    summary = Summary(
        source=str(source.absolute()),
        how=split if split == "official" else f"{split} {_shares(fractions)}, seed {seed}",
        digest=digest(frame),
        manifest=frame,
        left_out=left_out,
        near=[group.tolist() for _, group in kept["path"].groupby(near) if len(group) > 1],
    )
    _write(summary, to)
    return summary


def read_source(source: Path) -> pd.DataFrame:
    """Recognise a source and list its images: `path`, `label`, `identity`, `split`, and the rest.

    Raises:
        DataError: the source is none of the three kinds, or is one that cannot be read.
    """
    if source.suffix.lower() == ".csv":
        return read_table(source)
    if any((source / name).exists() for name in (ATTRIBUTES, IDENTITIES, IMAGES)):
        return read_celeba(source)
    if all((source / label).is_dir() for label in LABELS):
        return read_folders(source)
    raise DataError(
        f"{source} is not a source of labelled photos; give a folder with CelebA's {ATTRIBUTES} "
        f"and {IMAGES}/, a folder with female/ and male/, or a .csv file with path,label"
    )


def _split(
    kept: pd.DataFrame, near: Ints, split: str, fractions: Fractions, seed: int
) -> "pd.Series[str]":
    if split == "official":
        return split_official(kept)
    way = split_identity if split == "identity" else split_random
    return way(kept, near, fractions=fractions, seed=seed)


def _shares(fractions: Fractions) -> str:
    return "/".join(f"{share:g}" for share in fractions)


def _write(summary: Summary, to: Path) -> None:
    """Write the three files elsewhere first, then move them in; the manifest comes last."""
    try:
        with staged(to, ("labels.png", "summary.txt", "manifest.csv")) as folder:
            plot_labels(summary.manifest, folder / "labels.png")
            write_text(folder / "summary.txt", summary.text())
            write_manifest(summary.manifest, folder / "manifest.csv")
    except OSError as error:
        raise DataError(f"cannot write into {to} ({error}); choose another --to") from None
