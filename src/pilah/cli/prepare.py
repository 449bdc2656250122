"""`pilah prepare`: labelled photos -> faces/, manifest.csv, labels.png, summary.txt."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from pilah.cli.options import Quiet
from pilah.errors import DataError, MissingExtra
from pilah.progress import QUIET, note, tracked

NAMES_SHOWN = 10


def prepare(
    source: Annotated[
        Path,
        typer.Argument(
            help="CelebA's folder (list_attr_celeba.txt or .csv, img_align_celeba/), a folder with "
            "female/ and male/, or a CSV with the columns path,label (and identity, split and "
            "others if known)."
        ),
    ],
    to: Annotated[
        Path, typer.Option(help="Folder for manifest.csv, labels.png, summary.txt and faces/.")
    ],
    split: Annotated[
        str | None,
        typer.Option(
            help="random (stratified), identity (no person in two splits) or official (the "
            "source's own). [default: identity where identities are known, else random]"
        ),
    ] = None,
    fractions: Annotated[
        str | None,
        typer.Option(
            help="Shares of train/validation/test; not for the official split. "
            "[default: 0.7/0.2/0.1]"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same split.")] = 0,
    crops: Annotated[
        bool,
        typer.Option(
            "--crops",
            help="The images are face crops already, as CelebA's always are: detect nothing.",
        ),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Stop at an image that cannot be used, instead of leaving it out."
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Turn labelled photos into a manifest of faces.

    Faces are cropped, duplicates are found, photos that cannot be read are left out, and the rest
    is split into train, validation and test.
    """
    if not source.exists():
        raise DataError(f"there is nothing at {source}; give a folder or a CSV of labelled photos")
    try:
        from pilah.dataset.prepare import prepare
        from pilah.dataset.split import parse_fractions
    except ModuleNotFoundError:
        raise MissingExtra("pilah prepare", "train") from None

    summary = prepare(
        source,
        to,
        split=split,
        fractions=parse_fractions(fractions) if fractions else None,
        seed=seed,
        strict=strict,
        crops=crops,
        track=_show_progress,
    )
    note(summary.text(names=NAMES_SHOWN))
    note(f"Written: {to / 'manifest.csv'}, {to / 'labels.png'}, {to / 'summary.txt'}")


def _show_progress(items: Iterable[Any], total: int, title: str) -> Iterator[Any]:
    if not sys.stderr.isatty() and not QUIET.get():
        print(f"{title}: {total:,}", file=sys.stderr)
    return tracked(items, title, total=total)
