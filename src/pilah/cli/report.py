"""`pilah report`: count what the folders of a sort hold now, and write the report again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pilah.cli.classify import print_summary
from pilah.cli.options import QuietButJson
from pilah.cli.tables import counts, in_percent, show
from pilah.progress import note
from pilah.wording import counted, shown

if TYPE_CHECKING:
    from pilah.report import Report


def report(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="A folder that `pilah sort --to` or `pilah classify --to` wrote."
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="The model that sorted the photos; only needed for a sort of an earlier version "
            "of pilah whose DIR/results.parquet is gone. [default: what the sort says]",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the counts as one JSON object.")
    ] = False,
    quiet: QuietButJson = False,
) -> None:
    """Count women and men in a sorted folder.

    Writes results.csv, results.parquet and report.html into a sorted folder. What you moved to
    another folder by hand, or deleted, counts as you corrected it. Photos that you moved into
    female and male are listed in corrections.csv, for `pilah prepare`. In a folder of `pilah
    classify` it counts the answers and writes nothing.
    """
    from pilah.cluster.summary import is_classified, listed_in, summarize
    from pilah.models import model_path
    from pilah.models.bundle import open_bundle
    from pilah.report import build_report

    if is_classified(folder):
        summary, listed = summarize(folder), listed_in(folder)
        print_summary(summary, as_json=as_json, listed=listed)
        if not as_json and listed is not None and listed > summary.photos:
            of = f"{summary.photos:,} of {counted(listed, 'listed photo')}"
            note(f"{of} are answered; run the same `pilah classify` again for the others")
        return
    info = None if model is None else open_bundle(model_path(model)).info
    made = build_report(folder, info=info)
    if as_json:
        import json

        typer.echo(json.dumps(made.to_json()))
    else:
        _print(made)


def _print(made: "Report") -> None:
    show(counts(made.tally.bins, of_crops=made.tally.of_crops))
    if made.tally.corrected:
        note(f"\n{made.tally.corrected:,} corrected by hand")
    if made.tally.not_placed:
        note(f"\n{made.tally.not_placed:,} not placed; report.html names them")
    if made.share is None:
        note("\nNo face was clear enough to count.")
    else:
        clear = counted(made.tally.clear.faces, "clear face")
        note(f"\nWomen among {clear}: {in_percent(made.share.raw)} as counted")
        if made.share.corrected:
            note(f"corrected for the model's known errors: {in_percent(made.share.corrected)}")
    if made.tally.skipped:
        note(f"\nskipped: {made.tally.skipped}")
    if made.tally.videos:
        note("to follow the faces of a video: pilah video VIDEO --to DIR")
    note("\nA label is what annotators would likely call a face, not who a person is.")
    note(shown(made.paths[-1]))
