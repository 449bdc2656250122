"""`pilah export`: a finished run -> model.onnx."""

from pathlib import Path
from typing import Annotated

import typer

from pilah.cli.options import Quiet, check_file
from pilah.errors import MissingExtra
from pilah.progress import note
from pilah.runs.folder import Run, check_export
from pilah.wording import counted


def export(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A finished run folder of `pilah train`.")
    ],
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The file to write. [default: RUN/model.onnx]"),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The model's name. [default: the run folder's]"),
    ] = None,
    model_version: Annotated[
        str, typer.Option(metavar="VERSION", help="The model's version.")
    ] = "1",
    licence: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="The licence of the weights; it follows from the training data's."
        ),
    ] = "not stated",
    int8: Annotated[
        bool, typer.Option("--int8", help="Store 8-bit weights: smaller and faster.")
    ] = False,
    max_error: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            min=0,
            max=0.5,
            help="Choose the minimum confidence that keeps the error on validation faces to this "
            "share.",
        ),
    ] = 0.01,
    frame_from: Annotated[
        Path | None,
        typer.Option(
            metavar="MANIFEST",
            help="A manifest whose crops show how to cut a face out of a photo. Ready crops must "
            "all be cut about equally close to the face. [default: the run's]",
        ),
    ] = None,
    frame_zoom: Annotated[
        float,
        typer.Option(
            min=0.3,
            max=1.5,
            help="Cut out this share of that frame; below 1 is closer to the face.",
        ),
    ] = 1.0,
    quiet: Quiet = False,
) -> None:
    """Export a run as one model file.

    The file needs no training framework.
    """
    path = to if to is not None else run / "model.onnx"
    check_export(Run(run), path)
    if frame_from is not None:
        check_file(frame_from, "give --frame-from a manifest.csv of `pilah prepare`")
    try:
        from pilah.training.export import Title
        from pilah.training.export import export as run_export
    except ModuleNotFoundError as error:
        raise MissingExtra(f"`pilah export` (it needs {error.name})", "train") from None

    info = run_export(
        run,
        path,
        Title(name if name is not None else run.resolve().name, model_version, licence),
        int8=int8,
        max_error=max_error,
        frame_from=frame_from,
        frame_zoom=frame_zoom,
    )
    note(f"Written: {path} ({path.stat().st_size / 1e6:.1f} MB)")
    unsure = sum(counts.unsure for counts in info.validation.values())
    faces = unsure + sum(counts.female + counts.male for counts in info.validation.values())
    note(
        f"Minimum confidence {info.min_confidence:.1%}; {unsure:,} of "
        f"{counted(faces, 'validation face')} unsure"
    )
    note(
        f"Temperature {info.temperature:.2f}; calibration error {info.ece_before:.4f} without it, "
        f"{info.ece_after:.4f} with it"
    )
    if info.int8_cost is not None:
        note(f"8 bits cost {100 * info.int8_cost:.2f} points of validation accuracy")
