"""The files of a run, read for the Study page; nothing is measured here."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pilah.errors import DataError
from pilah.runs.folder import Run
from pilah.runs.splits import SPLITS, shown_split
from pilah.runs.tables import read_history
from pilah.types import LABELS

SHIPPED = Path(__file__).parent.parent / "study"
"""Run folders that come with the package: text files only, without a face."""


@dataclass(frozen=True, slots=True)
class RunFiles:
    """What `pilah train` and `pilah evaluate` wrote about one run.

    `name` is the folder's, after a prefix. `metrics` is metrics.json (a split's name to its
    numbers), `history` one row per epoch, `gallery` is the picture of wrong predictions and `model`
    what `pilah export` wrote, None where they are not there.
    """

    folder: Path
    name: str
    recipe: dict[str, Any]
    metrics: dict[str, Any]
    environment: dict[str, Any]
    history: pd.DataFrame
    gallery: Path | None
    model: Path | None

    @property
    def labels(self) -> dict[str, dict[str, int]]:
        """Faces by split and label; of a run before pilah wrote that down, those it scored."""
        counted: dict[str, dict[str, int]] = self.environment.get("labels") or {
            split: dict(zip(LABELS, map(sum, numbers["confusion"]), strict=True))
            for split, numbers in self.metrics.items()
        }
        return counted

    @property
    def shown(self) -> str:
        """The split that is looked at."""
        return shown_split(self.metrics)


def read_runs(folders: Iterable[Path], *, prefix: str = "") -> tuple[list[RunFiles], list[Path]]:
    """Read run folders, and those that lie directly in one.

    Args:
        folders: run folders, or folders of them; one that is not there holds nothing.
        prefix: what the runs' names begin with, so that two of one name stay apart.

    Returns:
        The runs that can be shown, and the folders of runs that are not evaluated or not readable.
    """
    runs, unusable = [], []
    for folder in _run_folders(folders):
        try:
            runs.append(_read(folder, prefix))
        except (DataError, OSError):
            unusable.append(folder)
    return runs, unusable


def _run_folders(folders: Iterable[Path]) -> list[Path]:
    found: dict[Path, None] = {}
    for folder in folders:
        inside = [folder, *sorted(folder.iterdir())] if folder.is_dir() else []
        found.update(dict.fromkeys(path for path in inside if (path / "recipe.toml").is_file()))
    return list(found)


def _measured(figures: Any) -> bool:
    return isinstance(figures, dict) and {"accuracy", "loss", "confusion"} <= set(figures)


def _read(folder: Path, prefix: str) -> RunFiles:
    run = Run(folder)
    gallery = run.plots / "wrong_predictions.png"
    metrics = run.read_metrics()
    if not metrics or set(metrics) - set(SPLITS) or not all(map(_measured, metrics.values())):
        raise DataError(f"{run.metrics} has no figures of a split")
    model = folder / "model.onnx"
    return RunFiles(
        folder=folder,
        name=prefix + run.name,
        recipe=run.read_recipe(),
        metrics=metrics,
        environment=run.read_environment(),
        history=read_history(run),
        gallery=gallery if gallery.is_file() else None,
        model=model if model.is_file() else None,
    )
