"""The audit, from labelled photos to its value; `write.py` makes files of it."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from pilah.audit.cells import Cell, groups_of, intersections, whole
from pilah.audit.gaps import Gap, gaps
from pilah.errors import DataError
from pilah.models.bundle import BundleInfo
from pilah.types import Result
from pilah.wording import counted

ResultsOf = Callable[[Iterable[str]], Iterator[Result]]
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class AuditedModel:
    """Which model was audited: `sha256` (hex) is its file's."""

    name: str
    version: str
    sha256: str
    min_confidence: float


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its groups, the worst first, and the largest gaps between them."""

    name: str
    groups: tuple[Cell, ...]
    accuracy_gap: Gap
    unsure_gap: Gap


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    `title` says what the photos are; `detector` names who found the faces, None for ready crops.
    `unreadable` are photos that could not be read, with the reason; no figure counts them.
    """

    title: str
    model: AuditedModel
    detector: str | None
    whole: Cell
    columns: tuple[Column, ...]
    intersections: tuple[Cell, ...]
    unreadable: tuple[tuple[str, str], ...]


def audited_model(path: Path, info: BundleInfo) -> AuditedModel:
    """Describe the model in the file at `path`, at its own minimum confidence."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return AuditedModel(info.name, info.version, sha256, info.min_confidence)


HEIGHTS = (0, 30, 60, 120, np.inf)
"""Between these heights in pixels, faces are one group of the column `face_height`."""


def audit(
    photos: pd.DataFrame,
    columns: list[str],
    results_of: ResultsOf,
    *,
    title: str,
    model: AuditedModel,
    detector: str | None,
    progress: Progress = lambda done: None,
) -> Audit:
    """Classify labelled photos and measure them by group. The largest face of a photo counts.

    Where faces were found and not all are of one height, `face_height` is a column too.

    Args:
        photos: `path`, `label`, and the columns to audit by.
        columns: names of these columns, with `label`.
        results_of: gives one Result a path, in their order.
        title: what the photos are.
        model: which model `results_of` asks.
        detector: who finds the faces, None for ready crops.
        progress: called with the number of photos done, after each.

    Raises:
        DataError: no photo has a face that was found.
    """
    p_male, heights, unreadable = [], [], {}
    for count, result in enumerate(results_of(photos["path"]), start=1):
        if result.error is not None:
            unreadable[count - 1] = (photos["path"].iloc[count - 1], result.error)
        p_male.append(float("nan") if result.p_male is None else result.p_male)
        heights.append(result.main.height if result.main else float("nan"))
        progress(count)
    scored = photos.assign(p_male=p_male, face_height=_height_groups(heights))
    scored = scored.drop(index=photos.index[list(unreadable)])
    if scored["p_male"].isna().all():
        some = f"; {next(iter(unreadable.values()))[1]}" if unreadable else ""
        raise DataError(
            f"no face was found in {counted(len(photos), 'photo')}, {len(unreadable):,} of which "
            f"cannot be read{some}; give readable photos of faces, or --crops for ready face crops"
        )
    least = model.min_confidence
    if detector and scored["face_height"].nunique() > 1:
        columns = [*columns, "face_height"]
    groups = [groups_of(scored, name, least) for name in columns]
    return Audit(
        title=title,
        model=model,
        detector=detector,
        whole=whole(scored, least),
        columns=tuple(
            Column(*column)
            for column in zip(
                columns,
                groups,
                gaps(groups, lambda cell: cell.accuracy),
                gaps(groups, lambda cell: cell.unsure),
                strict=True,
            )
        ),
        intersections=intersections(scored, columns, least),
        unreadable=tuple(unreadable.values()),
    )


def _height_groups(heights: list[float]) -> pd.Series:
    """What group each face is in by its height in the photo; NaN, thus none, without a face."""
    names = [
        f"{low} to {high - 1} px" if high < np.inf else f"{low} px and more"
        for low, high in pairwise(HEIGHTS)
    ]
    groups = pd.cut(pd.Series(heights, dtype=float), HEIGHTS, right=False, labels=names)
    return groups.astype(object)
