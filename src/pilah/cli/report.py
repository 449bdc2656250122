"""`pilah report`: count what the folders of a sort hold now, and write the report again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pilah.report import Estimate, Report


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that `pilah sort --to` wrote.")
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help="The model that sorted the photos (a name, or a model.onnx); only needed for a "
            "sort of an earlier version of pilah whose DIR/results.parquet is gone."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the counts as one JSON object.")
    ] = False,
) -> None:
    """Count women and men in a sorted folder; write results.csv, results.parquet, report.html.

    What you moved to another folder by hand, or deleted, counts as you corrected it. Photos that
    you moved into female and male are listed in corrections.csv, for `pilah prepare`.
    """
    from pilah.models import model_path
    from pilah.models.bundle import open_bundle
    from pilah.report import build_report

    info = None if model is None else open_bundle(model_path(model)).info
    made = build_report(folder, info=info)
    if as_json:
        import json

        typer.echo(json.dumps(made.to_json()))
    else:
        _print(made)


def _print(made: "Report") -> None:
    from rich.console import Console

    from pilah.cli.counts import counts_table

    console = Console()
    console.print(counts_table(made.tally.bins, of_crops=made.tally.of_crops))
    if made.tally.corrected:
        console.print(f"\n{made.tally.corrected:,} corrected by hand")
    if made.tally.not_placed:
        console.print(f"\n{made.tally.not_placed:,} not placed; report.html names them")
    if made.share is None:
        console.print("\nNo face was clear enough to count.")
    else:
        clear = made.tally.clear.faces
        console.print(f"\nWomen among {clear:,} clear faces: {_words(made.share.raw)} as counted")
        if made.share.corrected:
            console.print(f"corrected for the model's known errors: {_words(made.share.corrected)}")
    if made.tally.skipped:
        console.print(f"\nskipped: {made.tally.skipped}")
    console.print("\nA label is what annotators would likely say of a face, not who a person is.")
    # not through rich: it would wrap a long path, and nobody could open it
    typer.echo(made.to_json()["files"][-1])


def _words(estimate: "Estimate") -> str:
    return f"{estimate.value:.1%} ({estimate.low:.1%} to {estimate.high:.1%})"
