"""`pilah models`: the models in the package and what is known about them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pilah.cli.tables import figures, show

if TYPE_CHECKING:
    from pilah.models.bundle import BundleInfo

TARGETS = (0.01, 0.005)
"""Errors among the answered at which the share of answered faces is reported."""


def models(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON list with an object per model.")
    ] = False,
) -> None:
    """List the models in the package.

    Each has its figures on validation faces, and its terms.
    """
    from pilah.models import DEFAULT_MODEL, model_names, model_path
    from pilah.models.bundle import open_bundle

    paths = {name: model_path(name) for name in model_names()}
    known = [
        _figures(open_bundle(path).info, path, default=name == DEFAULT_MODEL)
        for name, path in paths.items()
    ]
    if as_json:
        print(json.dumps(known))
    else:
        _print(known)


def _figures(info: "BundleInfo", path: Path, *, default: bool) -> dict[str, Any]:
    """The figures of one model; `answered_at_error` has None where an error is out of reach."""
    from dataclasses import asdict

    from pilah.errors import BundleError

    def answered(max_error: float) -> float | None:
        try:
            return info.point_for(max_error).coverage
        except BundleError:
            return None

    counts = info.validation.values()
    never_unsure = [point for point in info.risk_coverage if point.min_confidence == 0.5]
    return {
        "name": path.stem,
        "default": default,
        "version": info.version,
        "megabytes": round(path.stat().st_size / 1e6, 1),
        "size_hw": list(info.size_hw),
        "backbone": info.backbone,
        "trained_on": info.trained_on,
        "licence": info.licence,
        "validation_faces": sum(c.female + c.male + c.unsure for c in counts),
        "from_photos": asdict(info.from_photos) if info.from_photos else None,
        "face_heights": [asdict(point) for point in info.face_heights],
        "accuracy": 1 - never_unsure[0].error if never_unsure else None,
        "ece_before": info.ece_before,
        "ece_after": info.ece_after,
        "min_confidence": info.min_confidence,
        "answered_at_error": {f"{target:g}": answered(target) for target in TARGETS},
        "risk_coverage": [asdict(point) for point in info.risk_coverage],
    }


def _print(known: list[dict[str, Any]]) -> None:
    from rich.markup import escape
    from rich.table import Column

    table = figures(
        Column("model", no_wrap=True),
        *("size", "input", "right from\nphotos", "right of\ncrops", "unsure\nbelow"),
        *(f"answered at\n{target:.1%} error" for target in TARGETS),
    )
    for model in known:
        table.add_row(
            escape(model["name"]),
            f"{model['megabytes']:.1f} MB",
            "{}x{}".format(*model["size_hw"]),
            *map(
                _percent, (_right(model["from_photos"]), model["accuracy"], model["min_confidence"])
            ),
            *map(_percent, model["answered_at_error"].values()),
        )
    show(table)
    for model in known:
        default = " (the default)" if model["default"] else ""
        typer.echo(
            f"{model['name']} {model['version']}{default}: {model['backbone']}, trained on "
            f"{model['trained_on']}; figures from {model['validation_faces']:,} validation faces"
            f"{_of_photos(model['from_photos'])}; "
            f"terms: {model['licence']}"
        )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _right(counts: dict[str, int] | None) -> float | None:
    """The share that is right of photos from which the face was found; a missing one is wrong."""
    return counts["right"] / counts["photos"] if counts and counts["photos"] else None


def _of_photos(counts: dict[str, int] | None) -> str:
    if not counts:
        return ""
    return (
        f", those from photos from {counts['photos']:,} of them ({counts['no_face']:,} not found)"
    )
