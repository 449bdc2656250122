"""`pilah compare RUN... --to DIR`: runs side by side, and beside the published study."""

from pathlib import Path
from typing import Annotated

import typer

from pilah.cli.options import Quiet, check_audit_extra
from pilah.cli.tables import figures, show
from pilah.progress import note
from pilah.runs.folder import Run


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="Finished run folders, one or more.")
    ],
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for comparison.md and comparison.png.")
    ],
    quiet: Quiet = False,
) -> None:
    """Compare runs, also with the study.

    A run that repeats the study is shown beside the published figures. The full table is in
    comparison.md, the table with curves in comparison.png.
    """
    check_audit_extra("pilah compare")
    for run in runs:
        Run(run).check_finished()
    from rich.markup import escape

    from pilah.evaluation.compare import compare_runs

    comparison = compare_runs(runs, to)
    shown = ("run", "val acc", "val loss", "test acc [95%]", "study: test acc")
    columns = [column for column in shown if column in comparison.rows[0]]
    table = figures(*columns)
    for row in comparison.rows:
        table.add_row(*(escape(row[column]) for column in columns))
    show(table)
    for line in comparison.notes:
        note(line)
    note(f"Table: {to / 'comparison.md'}")
    note(f"Picture: {to / 'comparison.png'}")
