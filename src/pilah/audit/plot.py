"""One picture of an audit: every group's errors and how often it is told unsure."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from pilah.audit.audit import Audit
from pilah.audit.cells import SMALL, Cell
from pilah.evaluation.plots import COLOURS, GREY, STYLE
from pilah.evaluation.rate import Rate

ROW_INCHES = 0.34
CHARACTERS = 40
"""A longer title of a row is cut: it comes from somebody's table."""


def draw(audit: Audit, path: Path) -> None:
    """Write the picture as a PNG file."""
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


def _groups(audit: Audit) -> list[Cell]:
    return [cell for column in audit.columns for cell in column.groups]


def _name(cell: Cell) -> str:
    ((column, value),) = cell.group.items()
    name = f"{column}: {value}"
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
