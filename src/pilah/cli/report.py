"""`pilah report`: count what a sort found, and write the report again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pilah.cli.options import Quiet
from pilah.cli.tables import counts, show
from pilah.progress import note
from pilah.wording import counted

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
            metavar="NAME|FILE",
            help="The model that sorted the photos. [default: the one that DIR/results.parquet "
            "names]",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the counts as one JSON object.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Count women and men in a sorted folder.

    Writes results.csv, results.parquet and report.html into it.
    """
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
    next(read_results(folder), None)  # a folder without a sort is the first thing to report
    info = recorded_info(folder / "results.parquet")
    if info is None:
        raise DataError(
            f"{folder} does not say which model sorted it (results.parquet is missing or not "
            "from pilah); add --model with its name or its model.onnx"
        )
    return info


def _print(made: "Report") -> None:
    show(counts(made.tally.bins))
    if made.share is None:
        note("\nNo face was clear enough to count.")
    else:
        clear = counted(made.tally.clear.faces, "clear face")
        note(f"\nWomen among {clear}: {_words(made.share.raw)} as counted")
        if made.share.corrected:
            note(f"corrected for the model's known errors: {_words(made.share.corrected)}")
    note("\nA label is what annotators would likely call a face, not who a person is.")
    note(made.to_json()["files"][-1])


def _words(estimate: "Estimate") -> str:
    return f"{estimate.value:.1%} ({estimate.low:.1%} to {estimate.high:.1%})"
