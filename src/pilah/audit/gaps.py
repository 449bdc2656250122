"""How far apart the groups of a column lie, and whether that could be chance.

The test is of independence between group and outcome: Pearson's chi-squared statistic of the table
of groups by outcomes, its distribution taken from tables with the same margins (a permutation test;
Fisher, "The Design of Experiments", 1935). So it holds for small groups as well. Many columns are
tested at once: Holm ("A simple sequentially rejective multiple test procedure", Scandinavian
Journal of Statistics 6, 1979) keeps the chance of any false alarm to the level of one test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilah.audit.cells import Cell
from pilah.evaluation.metrics import Floats, Ints
from pilah.rate import Rate

TABLES = 9_999
SEED = 1979
LEVEL = 0.05
"""A corrected p-value below this is called more than chance."""


@dataclass(frozen=True, slots=True)
class Gap:
    """The largest gap between two groups of a column that are not small.

    `least` and `most` name the groups with the lowest and the highest share, `points` is the
    difference of their shares (0 to 1); they are None where fewer than two groups are large enough.
    `p_value` is the probability of differences as large among all groups, small ones too, were
    there none; `p_holm` is corrected for the number of columns.
    """

    least: str | None
    most: str | None
    points: float | None
    p_value: float
    p_holm: float

    @property
    def more_than_chance(self) -> bool:
        """Whether the corrected p-value is below `LEVEL`."""
        return self.p_holm < LEVEL


def gaps(
    columns: Sequence[Sequence[Cell]], share: Callable[[Cell], Rate | None]
) -> tuple[Gap, ...]:
    """The gap of each column's groups in one share, corrected for the number of columns."""
    rates = [[(cell, rate) for cell in cells if (rate := share(cell))] for cells in columns]
    p_values = [
        independence(
            np.array([round(rate.value * rate.n) for _, rate in column], dtype=np.int64),
            np.array([rate.n for _, rate in column], dtype=np.int64),
        )
        for column in rates
    ]
    return tuple(
        _gap([(cell, rate) for cell, rate in column if not cell.small], p_value, p_holm)
        for column, p_value, p_holm in zip(rates, p_values, holm(p_values), strict=True)
    )


def independence(cases: Ints, sizes: Ints) -> float:
    """P-value of the permutation test that the share of cases is the same in every group.

    Args:
        cases: cases in each group, shape (groups,).
        sizes: faces in each group, shape (groups,), each at least 1.
    """
    total, n = int(cases.sum()), int(sizes.sum())
    if len(sizes) < 2 or total in (0, n):
        return 1.0
    random = np.random.default_rng(SEED)
    by_chance = random.multivariate_hypergeometric(sizes, total, size=TABLES)
    observed = _chi_squared(cases[None], sizes)[0]
    # as large but for rounding
    as_large = _chi_squared(by_chance, sizes) >= observed * (1 - 1e-9)
    return float((1 + as_large.sum()) / (1 + TABLES))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number, in the same order."""
    count = len(p_values)
    corrected = np.empty(count)
    highest = 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        highest = max(highest, min(1.0, (count - rank) * p_values[index]))
        corrected[index] = highest
    return [float(p) for p in corrected]


def _chi_squared(cases: NDArray[np.int64], sizes: Ints) -> Floats:
    """Pearson's statistic of each row of `cases`, shape (tables, groups), against the others."""
    share = cases[0].sum() / sizes.sum()
    statistic: Floats = ((cases - share * sizes) ** 2 / (sizes * share * (1 - share))).sum(axis=1)
    return statistic


def _gap(large: list[tuple[Cell, Rate]], p_value: float, p_holm: float) -> Gap:
    if len(large) < 2:
        return Gap(None, None, None, p_value, p_holm)
    ordered = sorted(large, key=lambda pair: pair[1].value)
    (least, low), (most, high) = ordered[0], ordered[-1]
    return Gap(_name(least), _name(most), high.value - low.value, p_value, p_holm)


def _name(cell: Cell) -> str:
    (value,) = cell.group.values()
    return value
