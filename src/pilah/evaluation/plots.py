"""The pictures of a run, in one look: `draw_*` functions fill axes, `write_plots` makes files.

Figures are made without pyplot: no display, no global state.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_curve

from pilah.evaluation.gallery import Gallery
from pilah.evaluation.metrics import Metrics
from pilah.evaluation.run import MeasuredRun
from pilah.figures import Axes, Figure, MaxNLocator, PercentFormatter, mpl
from pilah.models.bundle import RiskPoint
from pilah.runs.tables import Scores
from pilah.types import LABELS
from pilah.wording import counted

# Okabe and Ito's colours, distinguishable with every kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
GREY = "#767676"
STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "large",
    "axes.titleweight": "bold",
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.1,
    "font.size": 11,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "lines.linewidth": 2,
    "savefig.dpi": 150,
    "text.parse_math": False,  # a dollar in a run's name is a dollar
}


def write_plots(run: MeasuredRun, folder: Path) -> None:
    """Draw a run's seven plots into `folder`, which is made where it is missing.

    All but the curves are about the test split, or the next best where the run has none.
    """
    numbers, scores = run.metrics[run.shown], run.scores[run.shown]
    faces = counted(numbers.n, f"{run.shown} face")
    folder.mkdir(exist_ok=True)

    def write(name: str, fill: Callable[[Figure], None], width: float, height: float) -> None:
        with mpl.rc_context(STYLE):
            figure = Figure(figsize=(width, height))
            fill(figure)
            figure.savefig(folder / f"{name}.png")

    write("accuracy", lambda f: _draw_run_curve(f.subplots(), run, "accuracy"), 7, 4.5)
    write("loss", lambda f: _draw_run_curve(f.subplots(), run, "loss"), 7, 4.5)
    write("confusion_matrix", lambda f: draw_confusion(f.subplots(), numbers, faces), 5.5, 5.5)
    write("roc", lambda f: _draw_roc(f.subplots(), numbers, scores, faces), 5.5, 5.5)
    stages = {"as trained": numbers}
    if run.temperature:
        stages[f"with temperature {run.temperature:.2f}"] = run.calibrated[run.shown]
    write("reliability", lambda f: _draw_reliability(f, stages, faces), 6 * len(stages), 6.5)
    write("risk_coverage", lambda f: _draw_run_risk(f.subplots(), numbers, faces), 7, 4.5)
    gallery = Gallery(scores, faces)
    write("wrong_predictions", gallery.draw, *gallery.inches)


def draw_curve(
    axes: Axes, history: pd.DataFrame, quantity: str, *, colour: str, style: str, label: str
) -> None:
    """Add one column of a history to axes over epochs; a dot per epoch, so that one shows."""
    axes.plot(
        history["epoch"],
        history[quantity],
        color=colour,
        linestyle=style,
        marker="o",
        markersize=4,
        label=label,
    )
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))


def draw_confusion(axes: Axes, numbers: Metrics, faces: str) -> None:
    """Counts, and their percent of the annotated label; the shade is the percent."""
    counts = np.array(numbers.confusion)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        axes.text(
            column,
            row,
            f"{counts[row, column]:,}\n{share:.1%}",
            ha="center",
            va="center",
            fontsize="x-large",
            color="white" if share > 0.5 else "black",
        )
    axes.set_xticks([0, 1], LABELS)
    axes.set_yticks([0, 1], LABELS, rotation=90, va="center")
    axes.set_xlabel("predicted")
    axes.set_ylabel("annotated (percent of the row)")
    axes.set_title(f"Confusion: {faces}")
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def draw_risk_coverage(
    axes: Axes, points: Sequence[RiskPoint], *, colour: str, style: str, label: str
) -> None:
    """Add to axes the error among the answered over the share answered, by minimum confidence."""
    (line,) = axes.plot(
        [point.coverage for point in points],
        [point.error for point in points],
        color=colour,
        linestyle=style,
        label=label,
    )
    line.sticky_edges.x[:] = [0, 1]  # no margin beyond what shares can be
    line.sticky_edges.y[:] = [0]
    axes.set_xlabel("answered, the surest first")
    axes.set_ylabel("wrong among them")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))


def _draw_run_risk(axes: Axes, numbers: Metrics, faces: str) -> None:
    draw_risk_coverage(axes, numbers.risk_coverage, colour=COLOURS[0], style="-", label="")
    axes.set_title(f"Risk and coverage: {faces}")


def _draw_run_curve(axes: Axes, run: MeasuredRun, quantity: str) -> None:
    draw_curve(axes, run.history, quantity, colour=COLOURS[0], style="-", label="train")
    draw_curve(
        axes, run.history, f"val_{quantity}", colour=COLOURS[1], style="--", label="validation"
    )
    axes.set_title(f"{quantity.capitalize()} by epoch: {run.name}")
    axes.set_ylabel("loss (cross-entropy)" if quantity == "loss" else quantity)
    axes.legend()


def _draw_roc(axes: Axes, numbers: Metrics, scores: Scores, faces: str) -> None:
    axes.set_title(f"ROC: {faces}")
    axes.set_xlabel("women called male")
    axes.set_ylabel("men called male")
    axes.set_aspect("equal")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="guessing")
    if numbers.roc_auc is None:
        axes.text(0.5, 0.6, "only one label here: no curve", ha="center")
    else:
        false_male, true_male, _ = roc_curve(scores.labels, scores.p_male)
        auc = f"AUC {numbers.roc_auc:.4f}"
        axes.plot(false_male, true_male, color=COLOURS[0], label=auc, clip_on=False)
    axes.legend(loc="lower right")


def _draw_reliability(figure: Figure, stages: dict[str, Metrics], faces: str) -> None:
    grid = figure.subplots(2, len(stages), sharex=True, squeeze=False, height_ratios=(3, 1))
    for (stage, numbers), upper, lower in zip(stages.items(), *grid, strict=True):
        _draw_bins(upper, lower, numbers)
        upper.set_title(f"{stage}: ECE {numbers.ece:.4f}", fontsize="medium")
    figure.suptitle(f"Reliability: {faces}", fontweight="bold", x=0.01, ha="left")


def _draw_bins(upper: Axes, lower: Axes, numbers: Metrics) -> None:
    bins = numbers.reliability
    edges, widths = [bin.low for bin in bins], [bin.high - bin.low for bin in bins]
    middles = [(bin.low + bin.high) / 2 for bin in bins]
    rates = [bin.accuracy for bin in bins]
    values, counts = [rate.value for rate in rates], [rate.n for rate in rates]
    upper.bar(edges, values, widths, align="edge", color=COLOURS[5], edgecolor="white")
    upper.errorbar(
        middles,
        values,
        yerr=np.abs([[rate.low, rate.high] for rate in rates] - np.array(values)[:, None]).T,
        fmt="none",
        ecolor="black",
        elinewidth=1,
        capsize=3,
        label="accuracy, 95% interval",
    )
    claims = [bin.confidence for bin in bins]
    upper.plot(claims, claims, "D", color=COLOURS[1], markersize=6, label="mean confidence")
    upper.plot([0.4, 1], [0.4, 1], color=GREY, linestyle=":", label="as sure as right")
    upper.set_ylabel("accuracy")
    upper.set_ylim(0, 1.02)
    upper.set_xlim(0.46, 1.005)
    upper.legend(loc="lower right", frameon=True, framealpha=1)
    bars = lower.bar(edges, counts, widths, align="edge", color=GREY, edgecolor="white")
    lower.bar_label(bars, [f"{count:,}" for count in counts], fontsize="small")
    lower.set_ylim(0, max(counts) * 1.25)
    lower.set_ylabel("faces")
    lower.set_xlabel("confidence: probability of the predicted label")
