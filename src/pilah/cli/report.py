"""`pilah report`: count what a sort found, and write the report again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pilah.models.bundle import BundleInfo
    from pilah.report import Estimate, Report


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that `pilah sort --to` wrote.")
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help="The model that the photos were sorted with (a name, or a model.onnx); only "
            "needed where DIR/results.parquet, which names it, is gone."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the counts as one JSON object.")
    ] = False,
) -> None:
    """Count women and men in a sorted folder; write results.csv, results.parquet, report.html."""
    from pilah.report import build_report

    made = build_report(folder, info=_info(folder, model))
    if as_json:
        import json

        typer.echo(json.dumps(made.to_json()))
    else:
        _print(made)


def _info(folder: Path, model: str | None) -> "BundleInfo":
    from pilah.errors import DataError
    from pilah.models import model_path
    from pilah.models.bundle import open_bundle
    from pilah.report import recorded_info
    from pilah.sorting import read_results

    if model is not None:
        return open_bundle(model_path(model)).info
    next(read_results(folder), None)  # a folder without a sort is the first thing to tell
    info = recorded_info(folder / "results.parquet")
    if info is None:
        raise DataError(
            f"{folder} does not tell which model sorted it (results.parquet is missing or not "
            "from pilah); add --model with its name or its model.onnx"
        )
    return info


def _print(made: "Report") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(box=None, pad_edge=False)
    table.add_column("folder")
    table.add_column("photos", justify="right")
    for name, number in made.tally.bins.items():
        table.add_row(name, f"{number:,}")
    console.print(table)
    if made.share is None:
        console.print("\nNo face was clear enough to count.")
    else:
        clear = made.tally.clear.faces
        console.print(f"\nWomen among {clear:,} clear faces: {_words(made.share.raw)} as counted")
        if made.share.corrected:
            console.print(f"corrected for the model's known errors: {_words(made.share.corrected)}")
    console.print("\nA label is what annotators would likely say of a face, not who a person is.")
    # not through rich: it would wrap a long path, and nobody could open it
    typer.echo(made.to_json()["files"][-1])


def _words(estimate: "Estimate") -> str:
    return f"{estimate.value:.1%} ({estimate.low:.1%} to {estimate.high:.1%})"
