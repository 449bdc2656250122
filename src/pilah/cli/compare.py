"""`pilah compare RUN... --to DIR`: runs side by side, and beside the published study."""

from pathlib import Path
from typing import Annotated

import typer

from pilah.errors import MissingExtra


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Finished run folders, one or more.")
    ],
    to: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for comparison.md and comparison.png.")
    ],
) -> None:
    """Put runs side by side; those that repeat the study have its published figures beside theirs.

    The whole table is in comparison.md, the table with curves in comparison.png.
    """
    try:
        from pilah.evaluation.compare import compare_runs
    except ModuleNotFoundError:
        raise MissingExtra("pilah compare", "train") from None
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    comparison = compare_runs(runs, to)
    shown = ("run", "val acc", "val loss", "test acc [95%]", "study: test acc")
    columns = [column for column in shown if column in comparison.rows[0]]
    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for row in comparison.rows:
        table.add_row(*(escape(row[column]) for column in columns))
    Console().print(table)
    for note in comparison.notes:
        typer.echo(note)
    typer.echo(f"Table: {to / 'comparison.md'}")
    typer.echo(f"Picture: {to / 'comparison.png'}")
