"""`pilah evaluate RUN`: numbers and plots of a finished run."""

from pathlib import Path
from typing import Annotated

import typer

from pilah.cli.options import Quiet, check_audit_extra
from pilah.cli.tables import figures, show
from pilah.progress import note
from pilah.runs.folder import Run


def evaluate(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A finished run folder, such as runs/xception.")
    ],
    quiet: Quiet = False,
) -> None:
    """Measure a finished run.

    Writes metrics.json and plots/*.png into its folder. One of the plots shows faces from your
    data; keep that in mind before you share the folder.
    """
    check_audit_extra("pilah evaluate")
    Run(run).check_finished()
    from pilah.evaluation.evaluate import evaluate_run

    evaluated = evaluate_run(run)
    metrics = evaluated.metrics
    table = figures("", *metrics)
    numbers = metrics.values()
    table.add_row("faces", *(f"{split.n:,}" for split in numbers))
    table.add_row("accuracy", *(str(split.accuracy) for split in numbers))
    table.add_row("loss", *(f"{split.loss:.3f}" for split in numbers))
    table.add_row("AUC", *(_number(split.roc_auc) for split in numbers))
    table.add_row("ECE", *(_number(split.ece) for split in numbers))
    if evaluated.temperature:
        after = (split.ece for split in evaluated.calibrated.values())
        table.add_row("  calibrated", *map(_number, after))
    for label in ("female", "male"):
        found = [split.per_class[label] for split in numbers]
        table.add_section()
        table.add_row(label)
        table.add_row("  precision", *(str(part.precision or "-") for part in found))
        table.add_row("  recall", *(str(part.recall or "-") for part in found))
        table.add_row("  F1", *(_number(part.f1) for part in found))
    show(table)
    note("In brackets: 95% intervals (Wilson). ECE: expected calibration error.")
    if evaluated.temperature:
        note(f"Calibrated: by temperature {evaluated.temperature:.2f}, fitted on validation.")
    note(f"Numbers: {run / 'metrics.json'}")
    note(f"Plots: {run / 'plots'}")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
