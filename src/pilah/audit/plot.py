"""Two pictures of an audit: each group's errors at the model's minimum confidence and at others."""

from itertools import cycle
from pathlib import Path

import numpy as np

from pilah.audit.audit import Audit
from pilah.audit.cells import SMALL, Cell
from pilah.evaluation.plots import COLOURS, GREY, STYLE, draw_risk_coverage
from pilah.figures import Axes, Figure, PercentFormatter, mpl
from pilah.rate import Rate

ROW_INCHES = 0.34
CHARACTERS = 40
"""A longer title of a row is cut: it comes from somebody's table."""

PANELS = 3  # beside each other
*HUES, BLACK = COLOURS


def draw_groups(audit: Audit, path: Path) -> None:
    """Write the errors and unsure answers of all groups as a PNG file."""
    # from bottom to top, so that the whole stands first
    rows = [
        *((f"{_name(cell)} ({cell.faces:,})", cell) for cell in reversed(_groups(audit))),
        (f"all ({audit.whole.faces:,})", audit.whole),
    ]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(12, 2.2 + ROW_INCHES * len(rows)))
        errors, unsure = figure.subplots(1, 2, sharey=True)
        cells = [cell for _, cell in rows]
        _draw_rates(errors, [c.error_of_women for c in cells], cells, 0, 0.16, "women")
        _draw_rates(errors, [c.error_of_men for c in cells], cells, 1, -0.16, "men")
        _draw_rates(unsure, [c.unsure for c in cells], cells, 2, 0, "unsure")
        errors.set_yticks(range(len(rows)), [title for title, _ in rows])
        errors.set_ylim(-0.7, len(rows) - 0.3)
        errors.set_title("Error of the likelier label")
        errors.legend(loc="lower right", frameon=True, framealpha=1)
        unsure.set_title(f"Unsure: below {audit.model.min_confidence:.1%} confidence")
        for axes in (errors, unsure):
            axes.set_xlim(left=0)
            axes.xaxis.set_major_formatter(PercentFormatter(1))
            axes.set_xlabel("share of faces, 95% interval")
        figure.suptitle(
            f"{audit.title}: {audit.model.name} {audit.model.version}\n"
            f"faces in brackets; hollow: fewer than {SMALL}",
            x=0.01,
            ha="left",
        )
        figure.savefig(path)


def draw_curves(audit: Audit, path: Path) -> None:
    """Write the risk-coverage curves as a PNG file: a panel a column, a line a group.

    Small groups have none, for theirs would be mostly chance.
    """
    rows = -(-len(audit.columns) // PANELS)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5 * PANELS, 0.8 + 4.2 * rows))
        grid = figure.subplots(rows, PANELS, squeeze=False).ravel()
        for axes in grid[len(audit.columns) :]:
            axes.set_axis_off()
        for axes, column in zip(grid, audit.columns, strict=False):
            looks = cycle([(hue, style) for style in ("-", "--") for hue in HUES])
            large = [cell for cell in column.groups if not cell.small]
            for cell, (hue, style) in zip(large, looks, strict=False):
                _draw_curve(axes, cell, hue, style, _cut(*cell.group.values()))
            _draw_curve(axes, audit.whole, BLACK, ":", "all")
            axes.set_title(_cut(column.name))
            axes.legend(loc="upper left", fontsize="small")
        figure.suptitle(
            f"{audit.title}: {audit.model.name} {audit.model.version}\n"
            f"dots: from {audit.model.min_confidence:.1%} confidence, where the model stops "
            "saying unsure",
            x=0.01,
            ha="left",
        )
        figure.savefig(path)


def _draw_curve(axes: Axes, cell: Cell, colour: str, style: str, label: str) -> None:
    # where few are answered, one of them more or less is a jump
    points = [point for point in cell.risk_coverage if point.coverage * cell.faces >= SMALL]
    draw_risk_coverage(axes, points, colour=colour, style=style, label=label)
    if cell.unsure and cell.clear_error:
        axes.plot(1 - cell.unsure.value, cell.clear_error.value, "o", color=colour)


def _groups(audit: Audit) -> list[Cell]:
    return [cell for column in audit.columns for cell in column.groups]


def _name(cell: Cell) -> str:
    ((column, value),) = cell.group.items()
    return _cut(f"{column}: {value}")


def _cut(name: str) -> str:
    return name if len(name) <= CHARACTERS else f"{name[: CHARACTERS - 1]}…"


def _draw_rates(
    axes: Axes, rates: list[Rate | None], cells: list[Cell], colour: int, shift: float, label: str
) -> None:
    for small in (False, True):
        drawn = [
            (row + shift, rate)
            for row, (rate, cell) in enumerate(zip(rates, cells, strict=True))
            if rate and cell.small == small
        ]
        if not drawn:
            continue
        values = np.array([rate.value for _, rate in drawn])
        ends = np.array([[rate.low, rate.high] for _, rate in drawn]).T
        axes.errorbar(
            values,
            [height for height, _ in drawn],
            # an interval may end a rounding before its own value
            xerr=np.maximum(0, np.stack([values - ends[0], ends[1] - values])),
            fmt="o",
            color=COLOURS[colour],
            ecolor=GREY if small else COLOURS[colour],
            markerfacecolor="white" if small else COLOURS[colour],
            markersize=5,
            elinewidth=1,
            label=label,
            clip_on=False,
        )
        label = ""  # one line in the legend
