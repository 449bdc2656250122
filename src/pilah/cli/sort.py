"""`pilah sort`: put photos into folders by the label of the faces that they show."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pilah.cli.options import MaxError, MinConfidence, MinFace, Model, Quiet
from pilah.cli.tables import counts, show
from pilah.progress import note, progress_bar
from pilah.wording import counted

if TYPE_CHECKING:
    from pilah.pipeline import Pilah
    from pilah.sorting import SortOptions, Summary

SHOWN_FAILURES = 20


def sort(
    photos: Annotated[
        list[str],
        typer.Argument(metavar="PHOTO", help="Photos, and folders with all their sub-folders."),
    ],
    target: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="Where the sorted folders go.")
    ],
    move: Annotated[
        bool, typer.Option("--move", help="Move the photos; `pilah undo` brings them back.")
    ] = False,
    link: Annotated[
        bool, typer.Option("--link", help="Make symbolic links to the photos.")
    ] = False,
    copy: Annotated[bool, typer.Option("--copy", help="Copy the photos (the default).")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would happen; write nothing.")
    ] = False,
    tree: Annotated[
        bool, typer.Option("--tree", help="Keep the sub-folders inside each folder.")
    ] = False,
    by: Annotated[
        Literal["foreground", "faces", "main"],
        typer.Option(
            help="Which faces decide: those at least half as high as the largest, all, or the "
            "largest alone."
        ),
    ] = "foreground",
    faces: Annotated[
        bool, typer.Option("--faces", help="Write the crop of each face instead of the photo.")
    ] = False,
    model: Model = None,
    min_confidence: MinConfidence = None,
    max_error: MaxError = None,
    min_face: MinFace = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the counts as one JSON object.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Sort photos into folders by label.

    The folders are female, male, mixed, unsure, no_face and unreadable; a report lies beside them.
    Run the same command again to resume an interrupted sort; `pilah undo` reverses one. The label
    is what annotators would likely call a face; it is not identity.
    """
    from pilah.errors import SortError
    from pilah.pipeline import load
    from pilah.sorting import SortOptions
    from pilah.sorting.bins import decisive_share
    from pilah.sorting.walk import shown

    if move + link + copy > 1:
        raise SortError("--move, --link and --copy exclude each other; give one of them")
    predictor = load(
        model,
        min_confidence=min_confidence,
        max_error=max_error,
        min_face=min_face,
        min_share=0 if faces else decisive_share(by),
    )
    options = SortOptions(
        mode="move" if move else "link" if link else "copy",
        by=by,
        tree=tree,
        faces=faces,
        model=f"{predictor.info.name} {predictor.info.version} at {predictor.min_confidence:g}",
    )
    try:
        summary, files = _sort(photos, target, predictor, options, dry_run=dry_run)
    except KeyboardInterrupt:
        predictor.close()
        print(
            "pilah: stopped. Run the same command again to resume"
            + ("." if dry_run else f", or `pilah undo {shown(target)}` to reverse it."),
            file=sys.stderr,
        )
        raise typer.Exit(130) from None
    predictor.close()
    (_print_json if as_json else _print)(summary, files)
    raise typer.Exit(1 if summary.failed else 0)


def _sort(
    photos: list[str], target: Path, predictor: "Pilah", options: "SortOptions", *, dry_run: bool
) -> tuple["Summary", list[Path]]:
    from pilah.report import write_report
    from pilah.sorting import plan_photos, sort_photos

    began = time.monotonic()
    with progress_bar("{task.fields[rate]}") as progress:
        task = progress.add_task("sorting", total=None, rate="")

        def show(done: int, total: int) -> None:
            rate = f"{done / (time.monotonic() - began):,.0f} photos/s"
            progress.update(task, completed=done, total=total, rate=rate)

        run = plan_photos if dry_run else sort_photos
        summary = run(photos, target, predictor.predict_many, options, progress=show)
    return summary, [] if dry_run else write_report(target, info=predictor.info)


def _print_json(summary: "Summary", files: list[Path]) -> None:
    import json

    print(
        json.dumps(
            {
                "counts": summary.counts,
                "failed": [{"path": path, "error": why} for path, why in summary.failed],
                "added": summary.added,
                "ignored": summary.ignored,
                "files": [str(path) for path in files],
            }
        )
    )


def _print(summary: "Summary", files: list[Path]) -> None:
    from pilah.sorting.walk import shown

    show(counts(summary.counts))
    if summary.ignored:
        note(f"Ignored: {counted(summary.ignored, 'file')} without the name of a photo")
    for path, why in summary.failed[:SHOWN_FAILURES]:
        print(f"unreadable: {shown(path)}: {shown(why)}", file=sys.stderr)
    if len(summary.failed) > SHOWN_FAILURES:
        more = len(summary.failed) - SHOWN_FAILURES
        print(f"and {more:,} more, named in the report", file=sys.stderr)
    if files:
        note(shown(files[-1]))
