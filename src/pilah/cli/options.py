"""Options that several commands share, worded once."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from pilah.errors import DataError, MissingExtra
from pilah.models import DEFAULT_MODEL
from pilah.progress import QUIET


def _set_quiet(wanted: bool) -> bool:
    QUIET.set(wanted)
    return wanted


Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", callback=_set_quiet, help="Print errors only.")
]
QuietButJson = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        callback=_set_quiet,
        help="Print errors only, and the JSON if --json asks for it.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME|FILE",
        help=f"A model of the package, or the path of a model.onnx. [default: {DEFAULT_MODEL}]",
    ),
]
MinConfidence = Annotated[
    float | None,
    typer.Option(
        "--min-confidence",
        metavar="0.5..1",
        help="Below this confidence a face is unsure. [default: the model's]",
    ),
]
MaxError = Annotated[
    float | None,
    typer.Option(
        "--max-error",
        metavar="0..0.5",
        help="Use the minimum confidence that kept the error on validation faces to this share: "
        "0.01 is one wrong label in a hundred. Instead of --min-confidence.",
    ),
]
MinFace = Annotated[
    float | None,
    typer.Option(
        "--min-face",
        metavar="PIXELS",
        help="Smallest height of a face that counts: in pixels of the photo, or, below 1, as a "
        "share of its shorter side. [default: 20, in a large photo 1% of that side]",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="cpu|cuda|coreml|directml",
        help="Where faces are classified; all but cpu need a build of ONNX Runtime that has them.",
    ),
]


def check_audit_extra(part: str) -> None:
    """Refuse a command that needs the extra `audit` where that is not installed.

    Raises:
        MissingExtra: one of its libraries is missing; none of them is imported.
    """
    if not all(map(find_spec, ("pandas", "scipy", "sklearn", "matplotlib"))):
        raise MissingExtra(part, "audit")


def check_file(path: Path, remedy: str) -> None:
    """Refuse a path that is no file, before anything slow is imported.

    Raises:
        DataError: there is no file; the message ends with `remedy`.
    """
    if not path.is_file():
        raise DataError(f"no file at {path}; {remedy}")
