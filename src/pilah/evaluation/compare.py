"""Runs side by side, and beside the published study: one Markdown table and one picture."""

from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from pilah.errors import DataError
from pilah.evaluation.plots import COLOURS, GREY, STYLE, draw_confusion, draw_curve
from pilah.evaluation.published import STUDY
from pilah.evaluation.run import MeasuredRun, measure_run
from pilah.figures import Axes, Figure, mpl
from pilah.files import staged, write_text
from pilah.wording import counted

Row = dict[str, str]
"""One line of the table: column name to text; empty where there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The table (every row has the same columns), what must be said under it, and the best run."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    best: str


def compare_runs(folders: list[Path], to: Path) -> Comparison:
    """Write `comparison.md` and `comparison.png` about finished runs.

    A run whose recipe says `repeats_study = true` has the study's figures beside its own.

    Args:
        folders: finished run folders, in the order of the table's rows.
        to: the folder to write into; it is made where it is missing.

    Raises:
        DataError: a run cannot be used, or `to` cannot be written into.
    """
    runs = [measure_run(folder) for folder in folders]
    best = max(runs, key=_validation_rank)
    rows = [_row(run) for run in runs]
    filled = [column for column in rows[0] if any(row[column] for row in rows)]
    comparison = Comparison(
        rows=tuple({column: row[column] for column in filled} for row in rows),
        notes=_notes(runs, best),
        best=best.name,
    )
    try:
        with staged(to, ("comparison.png", "comparison.md")) as scratch:
            _draw(comparison, runs, best, scratch / "comparison.png")
            write_text(scratch / "comparison.md", _markdown(comparison))
    except OSError as error:
        raise DataError(
            f"the comparison cannot be written into {to} ({error.strerror}); give --to a folder "
            "that can be written into"
        ) from None
    return comparison


def _validation_rank(run: MeasuredRun) -> tuple[float, float]:
    """Higher is better; the test split has no say, and a run without validation comes last."""
    numbers = run.metrics.get("validation")
    return (numbers.accuracy.value, -numbers.loss) if numbers else (0.0, 0.0)


def _row(run: MeasuredRun) -> Row:
    model = run.recipe["model"]
    trainable = model.get("trainable", "all")
    study = STUDY.get(model["backbone"]) if run.recipe.get("repeats_study") else None
    validation, test = run.metrics.get("validation"), run.metrics.get("test")
    parameters, seconds = run.environment.get("parameters"), run.environment.get("seconds")
    return {
        "run": run.name,
        "backbone": model["backbone"],
        "pretrained on": model.get("pretrained_on", ""),
        "trainable": "all" if trainable == "all" else f"last {trainable} layers",
        "val acc": f"{validation.accuracy.value:.3f}" if validation else "",
        "study: val acc": f"{study.val_accuracy:.3f}" if study else "",
        "val loss": f"{validation.loss:.3f}" if validation else "",
        "study: val loss": f"{study.val_loss:.3f}" if study else "",
        "test acc [95%]": str(test.accuracy) if test else "",
        "study: test acc": f"{study.test_accuracy:.3f}" if study else "",
        "test loss": f"{test.loss:.3f}" if test else "",
        "study: test loss": f"{study.test_loss:.3f}" if study else "",
        "parameters": f"{parameters / 1e6:.1f} M" if parameters else "",
        "time": f"{seconds / 60:.0f} min" if seconds else "",
    }


def _notes(runs: list[MeasuredRun], best: MeasuredRun) -> tuple[str, ...]:
    tested = [set(run.scores["test"].paths) for run in runs if "test" in run.scores]
    sizes = sorted({len(paths) for paths in tested})
    notes = ["Our figures are those of the saved model, from each run's scores.csv."]
    if any(run.recipe.get("repeats_study") for run in runs):
        notes.append(
            "The study's are as it published them; its validation figures are presumably those of "
            "its last epoch."
        )
    if tested:
        faces = " or ".join(f"{size:,}" for size in sizes)
        notes.append(f"Intervals are Wilson's, 95%, over {faces} test faces.")
    if any(paths != tested[0] for paths in tested):
        notes.append("The runs were not tested on the same faces: compare them with care.")
    if len(runs) > 1:
        notes.append(f"Best by validation accuracy: {best.name}.")
    return tuple(notes)


def _markdown(comparison: Comparison) -> str:
    columns = list(comparison.rows[0])
    lines = [columns, ["---"] * len(columns), *(list(row.values()) for row in comparison.rows)]
    table = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    return "\n".join([*table, "", *(f"- {note}" for note in comparison.notes), ""])


def _draw(comparison: Comparison, runs: list[MeasuredRun], best: MeasuredRun, path: Path) -> None:
    with mpl.rc_context(STYLE):
        table_height = 0.7 + 0.35 * len(runs)  # inches
        figure = Figure(figsize=(17, table_height + 6))
        grid = figure.add_gridspec(
            2, 3, height_ratios=(table_height, 5), width_ratios=(1.25, 1.25, 1)
        )
        _draw_table(figure.add_subplot(grid[0, :]), comparison)
        accuracy, loss, confusion = (figure.add_subplot(grid[1, column]) for column in range(3))
        figure.supxlabel("\n".join(comparison.notes), fontsize="medium", x=0.01, ha="left")
        for axes, quantity in ((accuracy, "accuracy"), (loss, "loss")):
            for run, colour in zip(runs, cycle(COLOURS), strict=False):
                label = run.name
                draw_curve(axes, run.history, quantity, colour=colour, style=":", label="")
                draw_curve(
                    axes, run.history, f"val_{quantity}", colour=colour, style="-", label=label
                )
            axes.set_title(f"{quantity.capitalize()} (dotted: train, line: validation)")
        accuracy.legend(loc="lower right")
        numbers = best.metrics[best.shown]
        draw_confusion(
            confusion, numbers, f"{best.name}\n{counted(numbers.n, f'{best.shown} face')}"
        )
        figure.savefig(path, bbox_inches="tight")


def _draw_table(axes: Axes, comparison: Comparison) -> None:
    columns = list(comparison.rows[0])
    axes.set_axis_off()
    table = axes.table(
        cellText=[list(row.values()) for row in comparison.rows],
        colLabels=[column.replace(": ", "\n").replace(" [", "\n[") for column in columns],
        cellLoc="center",
        loc="center",
        edges="horizontal",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(11)
    table.auto_set_column_width(list(range(len(columns))))
    unit = 1 / (len(comparison.rows) + 2)  # the header is two lines high
    for (row, column), cell in table.get_celld().items():
        cell.set_height(unit if row else 2 * unit)
        cell.set_edgecolor(GREY)
        if row == 0 or columns[column] == "run":
            cell.set_text_props(fontweight="bold")
        elif columns[column].startswith("study"):
            cell.set_text_props(color=GREY)
