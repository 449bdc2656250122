"""Options that several commands share, worded once."""

from typing import Annotated

import typer

Model = Annotated[
    str | None,
    typer.Option("--model", help="A model of the package, or the path of a model.onnx."),
]
MinConfidence = Annotated[
    float | None,
    typer.Option(
        "--min-confidence",
        help="Below this confidence (0.5 to 1) a face is unsure. [default: the model's]",
    ),
]
MaxError = Annotated[
    float | None,
    typer.Option(
        "--max-error",
        help="Be unsure as often as it took on validation faces to err no more than this: 0.01 is "
        "one wrong label in a hundred. Instead of --min-confidence.",
    ),
]
MinFace = Annotated[
    float | None,
    typer.Option(
        "--min-face",
        help="Smallest height of a face that counts: in pixels of the photo, or, below 1, as a "
        "share of its shorter side. [default: 20, in a large photo 1% of that side]",
    ),
]
