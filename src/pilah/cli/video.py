"""`pilah video`: follow the faces of a video, and write what was found."""

import re
import sys
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pilah.cli.options import Device, MaxError, MinConfidence, Model, QuietButJson
from pilah.cli.tables import figures, show
from pilah.progress import note, progress_bar
from pilah.wording import counted

if TYPE_CHECKING:
    from pilah.video.write import Summary

MIN_FACE = 0.05
"""A share of the picture's shorter side: 36 pixels in 720p. Smaller faces cost most of the time."""


def _every(text: str) -> Fraction:
    found = re.fullmatch(r"(\d{1,20}(?:\.\d{1,20})?|\.\d{1,20})\s*(ms|s|)", text.strip())
    if not found:
        raise typer.BadParameter(f"{text!r} is no time; give seconds, such as 0.2s")
    return Fraction(found[1]) / (1000 if found[2] == "ms" else 1)


def video(
    clip: Annotated[Path, typer.Argument(metavar="VIDEO", help="One video file.")],
    target: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where the files go.")],
    every: Annotated[
        Fraction | None,
        typer.Option(
            parser=_every,
            metavar="SECONDS",
            help="Time between two frames that are looked at. [default: 0.2s]",
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER", help="Frames to look at per second. [default: as --every says]"
        ),
    ] = None,
    model: Model = None,
    min_confidence: MinConfidence = None,
    max_error: MaxError = None,
    min_face: Annotated[
        float,
        typer.Option(
            metavar="PIXELS",
            help="Smallest height of a face that counts: in pixels of the video, or, below 1, as a "
            "share of its shorter side. [default: 0.05]",
            show_default=False,
        ),
    ] = MIN_FACE,
    device: Device = "cpu",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as one JSON object.")
    ] = False,
    quiet: QuietButJson = False,
) -> None:
    """Follow faces in a video: one answer each.

    Writes tracks.csv, frames.parquet, annotated.mp4 (its sound is kept), subtitles.srt, tracks.jpg
    and summary.json. A track is one face from its first frame to its last; it is not a person: who
    leaves the picture and returns, or is shown again after a cut, is counted again. Run the same
    command again to resume an interrupted run. It needs the extra `video`.
    """
    from pilah.errors import VideoError
    from pilah.pipeline import load
    from pilah.video.follow import EVERY, Following
    from pilah.video.write import NAMES, write_video
    from pilah.wording import shown

    if every is not None and fps is not None:
        raise VideoError("--every and --fps exclude each other; give one of them")
    if fps is not None:
        if not 0 < fps < float("inf"):
            raise VideoError(f"--fps {fps:g} is out of range; give more than 0, such as 5")
        every = 1 / Fraction(str(fps))
    predictor = load(
        model,
        min_confidence=min_confidence,
        max_error=max_error,
        min_face=min_face,
        device=device,
    )
    following = Following.of(
        predictor.info, predictor.min_confidence, EVERY if every is None else every
    )
    info = predictor.info
    described = f"{info.name} {info.version} at {predictor.min_confidence:g}, faces {min_face:g}"
    try:
        with closing(predictor), progress_bar() as progress:
            task = progress.add_task("looking", total=None)

            def show_progress(doing: str, done: float, total: float | None) -> None:
                progress.update(task, description=doing, completed=int(done), total=total)

            summary = write_video(
                clip,
                target,
                predictor.predict_pixels,
                following,
                model=described,
                progress=show_progress,
            )
    except KeyboardInterrupt:
        print("pilah: stopped. Run the same command again to resume.", file=sys.stderr)
        raise typer.Exit(130) from None
    for damage in summary.notes:
        print(f"{shown(clip)}: {damage}", file=sys.stderr)
    if as_json:
        _print_json(summary, [target / name for name in NAMES])
    else:
        _print(summary, target / NAMES[0])
    raise typer.Exit(1 if summary.notes else 0)


def _print_json(summary: "Summary", files: list[Path]) -> None:
    import json
    from dataclasses import asdict

    print(json.dumps({**asdict(summary), "files": [str(path) for path in files]}))


def _print(summary: "Summary", file: Path) -> None:
    from pilah.wording import shown

    table = figures("label", "tracks", "seconds on screen")
    for column in table.columns[1:]:
        column.justify = "right"
    for label, number in summary.tracks.items():
        table.add_row(label, f"{number:,}", f"{summary.on_screen[label]:,.1f}")
    show(table)
    share = summary.share_of_women
    if share:
        note(
            f"Women among {counted(share.n, 'labelled track')}: {share.value:.1%} "
            f"({share.low:.1%} to {share.high:.1%}, if each were another person)"
        )
    note("A track is not a person: who leaves and returns is counted again.")
    note(shown(file))
