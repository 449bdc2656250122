"""`pilah predict`: what is in these photos, one line per face or one JSON object per photo."""

import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from pilah.cli.options import MaxError, MinConfidence, MinFace, Model

if TYPE_CHECKING:
    from pilah.types import Result


def predict(
    photos: Annotated[
        list[str],
        typer.Argument(metavar="PHOTO", help="Photos; - reads paths from standard input."),
    ],
    crops: Annotated[
        bool, typer.Option("--crops", help="The photos are face crops; do not look for faces.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per photo, each on its own line.")
    ] = False,
    model: Model = None,
    min_confidence: MinConfidence = None,
    max_error: MaxError = None,
    min_face: MinFace = 20,
) -> None:
    """Find faces in photos and print their labels.

    Each face has its likely label and P(male), the probability of the label male. The label is what
    annotators would likely call the face; it is not identity.
    """
    from pilah.pipeline import load

    predictor = load(model, min_confidence=min_confidence, max_error=max_error, min_face=min_face)
    show = _print_json if as_json else _print_lines
    failed = False
    for paths in _in_portions(photos):
        for result in predictor.predict_many(paths, crops=crops):
            show(result)
            failed |= result.error is not None
    raise typer.Exit(1 if failed else 0)


def _in_portions(photos: list[str]) -> Iterator[list[str]]:
    """The paths, in portions: on standard input none waits for one that comes later."""
    for photo in photos:
        if photo == "-":
            yield from _from_standard_input()
    named = [photo for photo in photos if photo != "-"]
    if named:
        yield named


def _from_standard_input() -> Iterator[list[str]]:
    rest = b""
    while chunk := os.read(sys.stdin.fileno(), 1 << 16):
        *lines, rest = (rest + chunk).split(b"\n")
        yield [os.fsdecode(line) for line in lines if line]
    if rest:
        yield [os.fsdecode(rest)]


def _print_json(result: "Result") -> None:
    # ASCII: a name that is not UTF-8 keeps its bytes as \udcXX, and any terminal can show it.
    print(json.dumps(result.to_json()), flush=True)


def _print_lines(result: "Result") -> None:
    path = _printable(result.path or "")
    if result.error is not None:
        print(f"{path}: cannot be read: {result.error}", flush=True)
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


def _printable(path: str) -> str:
    """The path on one line, whatever bytes its name has and whatever the terminal can show."""
    encoding = sys.stdout.encoding or "utf-8"
    one_line = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in path
    )
    return one_line.encode(encoding, "backslashreplace").decode(encoding)
