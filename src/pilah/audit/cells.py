"""What is measured of one group of faces, and how photos are divided into groups."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pilah.answers import confidence_of, likelier
from pilah.evaluation.metrics import (
    Floats,
    Ints,
    expected_calibration_error,
    reliability,
    risk_coverage,
)
from pilah.models.bundle import RiskPoint
from pilah.rate import Rate, wilson
from pilah.types import LABELS

SMALL = 30
"""A cell with fewer faces is marked: its figures are mostly chance."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The figures of one group; None where it has no case to count.

    `group` maps a column to the value that all photos of the cell have; it is empty for the whole.
    `faces` is how many of its `photos` (all that could be read) have a face; the figures are about
    these, save the last two:

    - `accuracy`, `error_of_women`, `error_of_men`: of the likelier label, however unsure.
    - `unsure`: the share below the minimum confidence; `clear_error`: the error among the others.
    - `ece`: expected calibration error, which few faces make large by themselves.
    - `no_face`: the share of photos in which no face was found; `accuracy_of_photos` counts these
      as wrong.

    `risk_coverage` has error and share answered at many minimum confidences; it is empty in
    intersections.
    """

    group: dict[str, str]
    photos: int
    faces: int
    small: bool
    accuracy: Rate | None
    error_of_women: Rate | None
    error_of_men: Rate | None
    unsure: Rate | None
    clear_error: Rate | None
    ece: float | None
    no_face: Rate | None
    accuracy_of_photos: Rate | None
    risk_coverage: tuple[RiskPoint, ...]

    @property
    def error(self) -> float:
        """Share of faces whose likelier label is wrong; 0 without a face."""
        return 1 - self.accuracy.value if self.accuracy else 0.0


def measure_cell(
    group: Mapping[str, str], p_male: Floats, labels: Ints, min_confidence: float, *, curve: bool
) -> Cell:
    """Measure the photos of one group.

    Args:
        group: what they have in common.
        p_male: probability of the label male, NaN where no face was found, shape (N,).
        labels: annotated labels, shape (N,), 0 female and 1 male.
        min_confidence: below it an answer is unsure.
        curve: measure the risk-coverage points too.
    """
    found = ~np.isnan(p_male)
    p_found, truth = p_male[found], labels[found]
    wrong = likelier(p_found) != truth
    clear = confidence_of(p_found) >= min_confidence
    return Cell(
        group=dict(group),
        photos=len(labels),
        faces=len(truth),
        small=len(truth) < SMALL,
        accuracy=_rate(~wrong),
        error_of_women=_rate(wrong[truth == 0]),
        error_of_men=_rate(wrong[truth == 1]),
        unsure=_rate(~clear),
        clear_error=_rate(wrong[clear]),
        ece=expected_calibration_error(reliability(p_found, truth)) if len(truth) else None,
        no_face=_rate(~found),
        accuracy_of_photos=wilson(int((~wrong).sum()), len(labels)) if len(labels) else None,
        risk_coverage=risk_coverage(p_found, truth) if curve else (),
    )


def whole(photos: pd.DataFrame, min_confidence: float) -> Cell:
    """Measure all photos: rows of `label` and `p_male`."""
    return measure_cell({}, *_arrays(photos), min_confidence, curve=True)


def groups_of(photos: pd.DataFrame, column: str, min_confidence: float) -> tuple[Cell, ...]:
    """Measure each group of a column, the worst first."""
    return worst_first(
        measure_cell(group, *_arrays(part), min_confidence, curve=True)
        for group, part in _parts(photos, (column,))
    )


def intersections(
    photos: pd.DataFrame, columns: Iterable[str], min_confidence: float
) -> tuple[Cell, ...]:
    """Measure each cell of every two columns that holds a photo, the worst first."""
    return worst_first(
        measure_cell(group, *_arrays(part), min_confidence, curve=False)
        for pair in combinations(columns, 2)
        for group, part in _parts(photos, pair)
    )


def worst_first(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """Order by error, from the largest; small cells come after all others."""
    return tuple(sorted(cells, key=lambda cell: (cell.small, -cell.error)))


def _parts(
    photos: pd.DataFrame, columns: tuple[str, ...]
) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    for values, part in photos.groupby(list(columns)):
        yield dict(zip(columns, map(str, values), strict=True)), part


def _arrays(photos: pd.DataFrame) -> tuple[Floats, Ints]:
    labels = (photos["label"] == LABELS[1]).to_numpy().astype(np.int64)
    return photos["p_male"].to_numpy(dtype=np.float64), labels


def _rate(cases: NDArray[np.bool_]) -> Rate | None:
    return wilson(int(cases.sum()), len(cases)) if len(cases) else None
