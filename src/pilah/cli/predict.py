"""`pilah predict`: the faces in photos, one line per face or one JSON object per photo."""

import json
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from pilah.cli.listed import in_portions
from pilah.cli.options import Device, MaxError, MinConfidence, MinFace, Model

if TYPE_CHECKING:
    from pilah.types import Result


def predict(
    photos: Annotated[
        list[str],
        typer.Argument(metavar="PHOTO", help="Photos; - reads paths from standard input."),
    ],
    null: Annotated[
        bool,
        typer.Option(
            "-0", "--null", help="The paths on standard input end with a null byte: find -print0."
        ),
    ] = False,
    crops: Annotated[
        bool,
        typer.Option("--crops", help="The photos are face crops already: skip face detection."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per photo, one per line.")
    ] = False,
    model: Model = None,
    min_confidence: MinConfidence = None,
    max_error: MaxError = None,
    min_face: MinFace = None,
    device: Device = "cpu",
) -> None:
    """Find faces in photos and print their labels.

    Each face has its likely label and P(male), the probability of the label male. The label is what
    annotators would likely call the face; it is not identity.
    """
    from pilah.pipeline import load

    predictor = load(
        model,
        min_confidence=min_confidence,
        max_error=max_error,
        min_face=min_face,
        device=device,
    )
    show = _print_json if as_json else _print_lines
    failed = False
    with closing(predictor):
        for paths in in_portions(photos, end=b"\0" if null else b"\n"):
            for result in predictor.predict_many(paths, crops=crops):
                show(result)
                failed |= result.error is not None
    raise typer.Exit(1 if failed else 0)


def _print_json(result: "Result") -> None:
    # ASCII: a name that is not UTF-8 keeps its bytes as \udcXX, and any terminal can show it.
    print(json.dumps(result.to_json()), flush=True)


def _print_lines(result: "Result") -> None:
    path = _on_one_line(result.path or "")
    if result.error is not None:
        print(f"{path}: cannot be read: {_on_one_line(result.error)}", flush=True)
    elif not result.faces:
        print(f"{path}: no face", flush=True)
    for face in result.faces:
        box = ", ".join(
            str(round(edge))
            for edge in (face.box.left, face.box.top, face.box.right, face.box.bottom)
        )
        print(
            f"{path}: {face.label or 'unsure'}, P(male) {face.p_male:.3f}, at [{box}]", flush=True
        )


def _on_one_line(text: str) -> str:
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )
