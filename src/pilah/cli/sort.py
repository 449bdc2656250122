"""`pilah sort`: put photos into folders by the label of the faces that they show."""

import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pilah.cli.options import Device, MaxError, MinConfidence, MinFace, Model, QuietButJson
from pilah.cli.tables import counts, show
from pilah.progress import note, progress_bar
from pilah.wording import counted

if TYPE_CHECKING:
    from pilah.pipeline import Pilah
    from pilah.sorting import SortedPhoto, SortOptions, Summary

SHOWN_FAILURES = 20
SHOWN_VIDEOS = 5


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
        bool,
        typer.Option("--dry-run", help="List each photo with its destination; write nothing."),
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
    device: Device = "cpu",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the counts as one JSON object.")
    ] = False,
    quiet: QuietButJson = False,
) -> None:
    """Sort photos into folders by label.

    The folders are female, male, mixed, unsure, no_face and unreadable; a report lies beside them.
    Run the same command again to resume an interrupted sort, or to add new photos to a finished
    one; what you moved by hand stays where you put it. `pilah undo` reverses a sort. Files that
    belong to a photo (.xmp, .aae, the .mov of a Live Photo, the RAW beside a JPEG) travel with it.
    The label is what annotators would likely call a face; it is not identity.
    """
    from pilah.errors import SortError
    from pilah.pipeline import load
    from pilah.sorting import SortOptions, disk
    from pilah.sorting.bins import decisive_share
    from pilah.wording import quoted

    if move + link + copy > 1:
        raise SortError("--move, --link and --copy exclude each other; give one of them")
    predictor = load(
        model,
        min_confidence=min_confidence,
        max_error=max_error,
        min_face=min_face,
        min_share=0 if faces else decisive_share(by),
        device=device,
    )
    options = SortOptions(
        mode="move" if move else "link" if link else "copy",
        by=by,
        tree=tree,
        faces=faces,
        model=f"{predictor.info.name} {predictor.info.version} at {predictor.min_confidence:g}",
        min_face=min_face,
    )
    try:
        summary, files, planned = _sort(photos, target, predictor, options, dry_run=dry_run)
    except KeyboardInterrupt:
        # At once, and a second Ctrl-C changes nothing: the workers are on their way out
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print(
            "pilah: stopped. Run the same command again to resume"
            + ("." if dry_run else f", or `pilah undo {quoted(target)}` to reverse it."),
            file=sys.stderr,
        )
        predictor.close()
        raise typer.Exit(130) from None
    predictor.close()
    for refusal in disk.notes():
        print(f"note: {refusal}", file=sys.stderr)
    if as_json:
        _print_json(summary, files, planned if dry_run else None)
    else:
        _print(summary, files, planned, of_crops=faces)
    raise typer.Exit(1 if summary.failed or summary.not_placed else 0)


def _sort(
    photos: list[str], target: Path, predictor: "Pilah", options: "SortOptions", *, dry_run: bool
) -> tuple["Summary", list[Path], list["SortedPhoto"]]:
    import json

    from pilah.report import NAMES, write_report
    from pilah.sorting import plan_photos, sort_photos

    began = time.monotonic()
    with progress_bar("{task.fields[rate]}") as progress:
        task = progress.add_task("sorting", total=None, rate="")

        def show(done: int, total: int) -> None:
            rate = f"{done / (time.monotonic() - began):,.0f} photos/s"
            progress.update(task, completed=done, total=total, rate=rate)

        arguments = (photos, target, predictor.predict_many, options)
        if dry_run:
            planned: list[SortedPhoto] = []
            listing = planned.append
            summary = plan_photos(*arguments, reports=NAMES, listing=listing, progress=show)
            return summary, [], planned
        model = json.loads(predictor.info.to_json())
        summary = sort_photos(*arguments, model=model, reports=NAMES, progress=show)
    return summary, write_report(target), []


def _print_json(summary: "Summary", files: list[Path], planned: "list[SortedPhoto] | None") -> None:
    import json

    answer = {
        "counts": summary.counts,
        "failed": [{"path": path, "error": why} for path, why in summary.failed],
        "not_placed": [{"path": path, "error": why} for path, why in summary.not_placed],
        "corrected": summary.corrected,
        "added": summary.added,
        "ignored": summary.ignored,
        "skipped": summary.skipped,
        "videos": summary.videos,
        "earlier_sorts": summary.earlier,
        "files": [str(path) for path in files],
    }
    if planned is not None:
        answer["planned"] = [
            {"path": photo.source, "destinations": _destinations(photo)} for photo in planned
        ]
    print(json.dumps(answer))


def _print(
    summary: "Summary", files: list[Path], planned: "list[SortedPhoto]", *, of_crops: bool
) -> None:
    from pilah.sorting.kinds import in_words
    from pilah.wording import shown

    for photo in planned:
        for destination in _destinations(photo):
            note(f"{shown(photo.source)} -> {shown(destination)}")
    show(counts(summary.counts, of_crops=of_crops))
    if of_crops:
        note(f"in {counted(summary.photos, 'photo')}")
    if summary.corrected:
        note(f"{summary.corrected:,} corrected by hand")
    if summary.skipped:
        note(f"skipped, not photos: {in_words(summary.skipped)}")
    for video in summary.videos[:SHOWN_VIDEOS]:
        note(f"video: {shown(video)}")
    if summary.videos:
        note("to follow the faces of a video: pilah video VIDEO --to DIR")
    for folder in summary.earlier:
        note(f"skipped, made by pilah: {shown(folder)}")
    _print_failures("unreadable", summary.failed)
    _print_failures("not placed", summary.not_placed)
    if files:
        note(shown(files[-1]))


def _destinations(photo: "SortedPhoto") -> list[str]:
    places = [crop.destination for crop in photo.crops or ()] or [photo.destination]
    return [place for place in places if place is not None]


def _print_failures(what: str, failures: tuple[tuple[str, str], ...]) -> None:
    from pilah.wording import shown

    for path, why in failures[:SHOWN_FAILURES]:
        print(f"{what}: {shown(path)}: {shown(why)}", file=sys.stderr)
    if len(failures) > SHOWN_FAILURES:
        more = len(failures) - SHOWN_FAILURES
        print(f"{what}: {more:,} more; the report lists them", file=sys.stderr)
