"""From a source of labelled photos to manifest.csv, labels.png and summary.txt."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pilah.dataset.celeba import ATTRIBUTES, IMAGES, is_celeba, read_celeba
from pilah.dataset.duplicates import find_conflicts, find_originals, group_near
from pilah.dataset.faces import crop_faces, crop_paths
from pilah.dataset.fingerprint import fingerprints
from pilah.dataset.folders import label_folders, read_folders
from pilah.dataset.manifest import (
    check_enough,
    check_once,
    cut_out_of,
    digest,
    write_manifest,
)
from pilah.dataset.split import (
    FRACTIONS,
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

Track = Callable[[Iterable[Any], int, str], Iterable[Any]]
"""Passes items on and shows how many of a number have come, under a title."""


def prepare(
    source: Path,
    to: Path,
    *,
    split: str | None = None,
    fractions: Fractions | None = None,
    seed: int = 0,
    strict: bool = False,
    crops: bool = False,
    track: Track = lambda items, *_: items,
) -> Summary:
    """Index a source, cut the faces out, drop duplicates, split, and write it all into `to`.

    Args:
        source: CelebA's folder, a folder with `female/` and `male/`, or a CSV `path,label`.
        to: the folder for `manifest.csv`, `labels.png`, `summary.txt` and `faces/`; made if it is
            not there.
        split: random, identity or official; None is identity where identities are known, and
            random where they are not.
        fractions: shares of train, validation and test, `FRACTIONS` if None; not for the official
            split.
        seed: of the random and the identity split.
        strict: refuse a source with an image that cannot be used, instead of leaving it out.
        crops: the images are crops of one face each, as CelebA's aligned images always are.
            Otherwise they are photos, and the manifest lists the crop of each one's largest face,
            with the photo's path in the column `photo`.
        track: wraps the long parts, for a progress bar.

    Raises:
        DataError: the source is not usable as a whole, or `to` has a manifest already. Nothing is
            written then but crops of faces, which the next try uses.
    """
    if split not in (None, *WAYS):
        raise DataError(f"unknown split {split!r}; choose {', '.join(WAYS)}")
    if split == "official" and fractions:
        raise DataError(
            f"the official split has shares of its own, not {_shares(fractions)}; leave out "
            "--fractions, or choose --split random"
        )
    fractions = fractions or FRACTIONS
    if (to / "manifest.csv").exists():
        raise DataError(f"{to} has a manifest.csv already; remove it or choose another --to")
    frame = read_source(source)
    check_once(frame, source)
    check_enough(frame, source)

    left_out: dict[str, str] = {}
    names = frame["path"]
    if not crops and not is_celeba(source):
        names = _photos(frame, source)
        frame = frame.assign(photo=names, path=crop_paths(names, to))
        cutting = crop_faces(names.tolist(), frame["path"].tolist())
        reasons = list(track(cutting, len(frame), "Finding faces"))
        left_out = {name: why for name, why in zip(names, reasons, strict=True) if why}
        frame = frame[~names.isin(left_out)].reset_index(drop=True)
        names = frame["photo"]

    paths = frame["path"].tolist()
    prints = list(track(fingerprints(paths), len(paths), "Comparing images"))
    left_out |= {name: p.problem for name, p in zip(names, prints, strict=True) if p.problem}
    pixels = pd.Series([p.pixels or None for p in prints], index=frame.index)
    left_out |= find_conflicts(frame.assign(path=names), pixels)
    if strict and left_out:
        path, reason = next(iter(left_out.items()))
        raise DataError(
            f"{len(left_out):,} images cannot be used, the first is {path} ({reason}); "
            "fix or remove them, or leave out --strict"
        )
    usable = ~names.isin(left_out)
    frame = frame[usable].reset_index(drop=True)
    good = [p for p, used in zip(prints, usable, strict=True) if used]
    frame["duplicate_of"] = find_originals(frame["path"], pd.Series([p.pixels for p in good]))
    is_kept = frame["duplicate_of"] == ""
    kept = frame[is_kept]
    check_enough(kept, source, left_out)

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


def _photos(frame: pd.DataFrame, source: Path) -> "pd.Series[str]":
    """What is to be cut: the photos, of a manifest of earlier crops those that it names."""
    photos = cut_out_of(frame)
    named = photos[photos != ""]
    missing = [path for path in named if not os.path.lexists(path)]
    twice = named[named.duplicated()]
    if missing or len(twice):
        why = f"and {missing[0]} is missing" if missing else f"of which {twice.iloc[0]} has several"
        raise DataError(
            f"{source} lists crops of photos, {why}; use the crops themselves with --crops"
        )
    return photos.where(photos != "", frame["path"])


def read_source(source: Path) -> pd.DataFrame:
    """Recognise a source and list its images: `path`, `label`, `identity`, `split`, and the rest.

    Raises:
        DataError: the source is none of the three kinds, or is one that cannot be read.
    """
    if source.suffix.lower() in (".csv", ".tsv"):
        return read_table(source)
    if is_celeba(source):
        return read_celeba(source)
    if {label for _, label in label_folders(source)} == set(LABELS):
        return read_folders(source)
    inside = sorted(path.name for path in source.iterdir()) if source.is_dir() else []
    found = f" (it holds {inside[0]!r} and others)" if inside else ""
    raise DataError(
        f"{source}{found} is not a source of labelled photos; give a folder with CelebA's "
        f"{ATTRIBUTES}.txt and {IMAGES}/, a folder with female/ and male/, or a .csv file with "
        "path,label"
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
