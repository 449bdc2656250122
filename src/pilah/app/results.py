"""The files of a run, read for the Study page; nothing is measured here."""

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

SHIPPED = Path(__file__).parent.parent / "study"
"""Run folders that come with the package: text files only, without a face."""

HISTORY = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")


@dataclass(frozen=True, slots=True)
class RunFiles:
    """What `pilah train` and `pilah evaluate` wrote about one run.

    `name` is the folder's, after a prefix. `metrics` is metrics.json (a split's name to its
    numbers), `history` has the columns `HISTORY`, `gallery` is the picture of wrong predictions,
    None where it is not there.
    """

    name: str
    recipe: dict[str, Any]
    metrics: dict[str, Any]
    environment: dict[str, Any]
    history: pd.DataFrame
    gallery: Path | None

    @property
    def shown(self) -> str:
        """The split that is looked at: test where there is one, else the last."""
        return "test" if "test" in self.metrics else list(self.metrics)[-1]


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
        except (OSError, ValueError, KeyError, IndexError):
            unusable.append(folder)
    return runs, unusable


def _run_folders(folders: Iterable[Path]) -> list[Path]:
    found: dict[Path, None] = {}
    for folder in folders:
        inside = [folder, *sorted(folder.iterdir())] if folder.is_dir() else []
        found.update(dict.fromkeys(path for path in inside if (path / "recipe.toml").is_file()))
    return list(found)


def _read(folder: Path, prefix: str) -> RunFiles:
    gallery = folder / "plots" / "wrong_predictions.png"
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    if not metrics:
        raise ValueError("no split was measured")
    return RunFiles(
        name=prefix + folder.resolve().name,
        recipe=tomllib.loads((folder / "recipe.toml").read_text(encoding="utf-8")),
        metrics=metrics,
        environment=json.loads((folder / "environment.json").read_text(encoding="utf-8")),
        history=pd.read_csv(folder / "history.csv")[list(HISTORY)],
        gallery=gallery if gallery.is_file() else None,
    )
