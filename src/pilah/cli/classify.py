"""`pilah classify`: any number of photos become shards of answers, and a killed run resumes."""

import os
import signal
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pilah.cli.options import Device, MaxError, MinConfidence, MinFace, Model, QuietButJson
from pilah.cli.tables import figures, in_percent, show
from pilah.progress import note, progress_bar
from pilah.wording import counted

if TYPE_CHECKING:
    from pilah.cluster.classify import Classified
    from pilah.cluster.summary import Summary


def classify(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="Folders with all their sub-folders, patterns in quotes, photos, lists of paths "
            "or URIs (.txt, .parquet), Parquet files of photos, and s3://bucket/folder and the "
            "like.",
        ),
    ],
    target: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where the shards go.")],
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(help="This machine's processes, or Ray, here or on the cluster RAY_ADDRESS."),
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="NUMBER",
            help="Processes, or actors of Ray. [default: one a core that may be used]",
        ),
    ] = None,
    model: Model = None,
    min_confidence: MinConfidence = None,
    max_error: MaxError = None,
    min_face: MinFace = None,
    device: Device = "cpu",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as one JSON object.")
    ] = False,
    quiet: QuietButJson = False,
) -> None:
    """Answer any number of photos, into tables.

    Writes DIR/part-000000.parquet and so on, one row per photo with its faces or its error, and
    summary.json. No photo is touched. Run the same command again to resume an interrupted run, or
    to add the photos that are new: each is answered once. `pilah report DIR` counts the labels.
    Ray needs the extra `cluster`. A label is what annotators would likely call a face; it
    is not identity.
    """
    from pilah.cluster.answer import Asked
    from pilah.cluster.classify import classify as classify_photos
    from pilah.models import DEFAULT_MODEL
    from pilah.pipeline import load

    predictor = load(
        model,
        min_confidence=min_confidence,
        max_error=max_error,
        min_face=min_face,
        device=device,
        workers=1 if engine == "ray" else workers,  # actors have their own
    )
    if model is not None and os.path.isfile(model):
        model = os.path.abspath(model)  # actors work in other folders
    asked = Asked(model or DEFAULT_MODEL, predictor.min_confidence, min_face, device)
    began = time.monotonic()
    # as a service manager or Kubernetes ends a program: no less tidy than Ctrl-C
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with closing(predictor), progress_bar("{task.fields[rate]}") as progress:
            task = progress.add_task("listing", total=None, rate="")

            def show_progress(doing: str, done: int, total: int | None) -> None:
                nonlocal began
                if not done:
                    began = time.monotonic()
                rate = f"{done / max(1e-9, time.monotonic() - began):,.0f} photos/s"
                progress.update(task, description=doing, completed=done, total=total, rate=rate)

            made = classify_photos(
                sources,
                target,
                predictor,
                asked,
                engine=engine,
                workers=workers,
                progress=show_progress,
            )
    except KeyboardInterrupt:
        print("pilah: stopped. Run the same command again to resume.", file=sys.stderr)
        raise typer.Exit(130) from None
    more = {"done": made.done, "skipped": made.skipped, "earlier_sorts": made.earlier}
    print_summary(made.summary, as_json=as_json, **more)
    if not as_json:
        _print(made, target)
    raise typer.Exit(1 if made.summary.errors else 0)


def _print(made: "Classified", target: Path) -> None:
    from pilah.sorting.kinds import in_words
    from pilah.wording import shown

    if made.done:
        rate = f"{made.done / made.seconds:,.1f} a second"
        note(f"answered {counted(made.done, 'photo')} in {made.seconds:,.0f} s, {rate}")
    else:
        note("nothing was missing")
    if made.skipped:
        note(f"skipped, not photos: {in_words(made.skipped)}")
    for folder in made.earlier:
        note(f"skipped, made by pilah: {shown(folder)}")
    note(shown(target))


def print_summary(summary: "Summary", *, as_json: bool, **more: Any) -> None:
    """Print what the shards of a folder hold; errors go to standard error, by kind.

    Args:
        summary: the counts.
        as_json: print one JSON object instead of lines, with `more` in it.
        more: what else a program wants to know.
    """
    import json

    from pilah.wording import shown

    for kind, number in summary.errors.items():
        print(f"error: {shown(kind)}: {counted(number, 'photo')}", file=sys.stderr)
    if as_json:
        print(json.dumps({**summary.to_json(), **more}))
        return
    table = figures("label", "faces")
    table.columns[1].justify = "right"
    for label, number in summary.faces.items():
        table.add_row(label, f"{number:,}")
    show(table)
    note(f"in {counted(summary.photos, 'photo')}, {summary.no_face:,} of them without a face")
    if summary.share is None:
        note("No face was clear enough to count.")
    else:
        clear = counted(summary.faces["female"] + summary.faces["male"], "clear face")
        note(f"Women among {clear}: {in_percent(summary.share.raw)} as counted")
        if summary.share.corrected:
            corrected = in_percent(summary.share.corrected)
            note(f"corrected for the model's known errors: {corrected}")
    note("A label is what annotators would likely call a face, not who a person is.")
