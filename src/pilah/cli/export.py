"""`pilah export`: a finished run -> model.onnx."""

from pathlib import Path
from typing import Annotated

import typer

from pilah.errors import MissingExtra


def export(
    run: Annotated[Path, typer.Argument(help="A finished run folder of `pilah train`.")],
    to: Annotated[
        Path | None, typer.Option(help="The file to write; RUN/model.onnx if not given.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="The model's name; the run folder's if not given.")
    ] = None,
    model_version: Annotated[str, typer.Option(help="The model's version.")] = "1",
    licence: Annotated[
        str, typer.Option(help="The terms of the weights, in words; they follow the data's.")
    ] = "not stated",
    int8: Annotated[
        bool, typer.Option("--int8", help="Store 8-bit weights: smaller and faster.")
    ] = False,
    max_error: Annotated[
        float,
        typer.Option(
            min=0, max=0.5, help="Be unsure as often as it takes to err no more than this."
        ),
    ] = 0.01,
    frame_from: Annotated[
        Path | None,
        typer.Option(
            help="A manifest whose crops show how to cut a face out of a photo; the run's own if "
            "not given."
        ),
    ] = None,
    frame_zoom: Annotated[
        float,
        typer.Option(
            min=0.3, max=1.5, help="Cut out this share of that frame's sides: below 1 is closer."
        ),
    ] = 1.0,
) -> None:
    """Write a trained model as one file that needs no training framework."""
    try:
        from pilah.training.export import export as run_export
    except ModuleNotFoundError as error:
        raise MissingExtra(f"`pilah export` (it needs {error.name})", "train") from None

    path = to if to is not None else run / "model.onnx"
    info = run_export(
        run,
        path,
        name=name if name is not None else run.resolve().name,
        version=model_version,
        licence=licence,
        int8=int8,
        max_error=max_error,
        frame_from=frame_from,
        frame_zoom=frame_zoom,
    )
    print(f"Written: {path} ({path.stat().st_size / 1e6:.1f} MB)")
    print(f"Unsure below {info.min_confidence:.1%} confidence; temperature {info.temperature:.2f}")
    print(f"Calibration error: {info.ece_before:.4f} before it, {info.ece_after:.4f} with it")
    if info.int8_cost is not None:
        print(f"8 bits cost {100 * info.int8_cost:.2f} points of validation accuracy")
