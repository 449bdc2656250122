"""A finished run folder, read and checked: what `pilah train` left, as a frozen value."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pilah.errors import DataError
from pilah.evaluation.calibrate import apply_temperature, fit_temperature
from pilah.evaluation.metrics import Floats, Ints, Metrics, measure
from pilah.types import LABELS

SPLITS = ("train", "validation", "test")
SCORES = ("path", "split", "label", "p_male")
HISTORY = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
AGAIN = "train it again into a new folder"


@dataclass(frozen=True, slots=True)
class Scores:
    """One split's scored faces: paths, labels (N,) of 0 and 1, and p_male (N,)."""

    paths: tuple[str, ...]
    labels: Ints
    p_male: Floats


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run.

    `history` has the columns of `HISTORY`, one row an epoch. `scores` and `metrics` have the splits
    that hold faces, in the order of `SPLITS`. `temperature` is fitted on the validation split, and
    `calibrated` measures every split with it; both are empty where there is no validation split.
    """

    folder: Path
    recipe: dict[str, Any]
    environment: dict[str, Any]
    history: pd.DataFrame
    scores: dict[str, Scores]
    metrics: dict[str, Metrics]
    temperature: float | None
    calibrated: dict[str, Metrics]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def shown(self) -> str:
        """The split that plots are about: test where there is one, else the next best."""
        return next(split for split in reversed(SPLITS) if split in self.scores)


def open_run(folder: Path) -> Run:
    """Read a run folder and measure its splits; nothing is written.

    Raises:
        DataError: it is not a run folder, the run is not finished, or a file of it is broken.
    """
    recipe_path = folder / "recipe.toml"
    if not recipe_path.is_file():
        raise DataError(
            f"{folder} is not a run folder (it has no recipe.toml); give a folder that "
            "`pilah train` wrote"
        )
    if not (folder / "scores.csv").is_file():
        raise DataError(
            f"the run in {folder} is not finished (it has no scores.csv); run the same "
            "`pilah train` command again to finish it"
        )
    try:
        recipe = tomllib.loads(recipe_path.read_text(encoding="utf-8"))
        environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"the run in {folder} cannot be read ({error}); {AGAIN}") from None
    scores = _read_scores(folder / "scores.csv")
    temperature = None
    if validation := scores.get("validation"):
        temperature = fit_temperature(validation.p_male, validation.labels)
    return Run(
        folder=folder,
        recipe=recipe,
        environment=environment,
        history=_read_history(folder / "history.csv"),
        scores=scores,
        metrics={split: measure(part.p_male, part.labels) for split, part in scores.items()},
        temperature=temperature,
        calibrated={
            split: measure(apply_temperature(part.p_male, temperature), part.labels)
            for split, part in scores.items()
        }
        if temperature
        else {},
    )


def _read_scores(path: Path) -> dict[str, Scores]:
    table = _read_table(path, SCORES)
    table["p_male"] = pd.to_numeric(table["p_male"], errors="coerce")
    for column, good, expected in (
        ("split", table["split"].isin(SPLITS), "one of " + ", ".join(SPLITS)),
        ("label", table["label"].isin(LABELS), " or ".join(LABELS)),
        ("p_male", table["p_male"].between(0, 1), "a number from 0 to 1"),
    ):
        if not good.all():
            row = int(np.flatnonzero(~good)[0]) + 2  # as a spreadsheet counts
            raise DataError(f"{path}, row {row}: {column} is not {expected}; {AGAIN}")
    return {
        split: Scores(
            paths=tuple(part["path"]),
            labels=(part["label"] == LABELS[1]).to_numpy().astype(np.int64),
            p_male=part["p_male"].to_numpy(dtype=np.float64),
        )
        for split in SPLITS
        if len(part := table[table["split"] == split])
    }


def _read_history(path: Path) -> pd.DataFrame:
    try:
        return _read_table(path, HISTORY)[list(HISTORY)].replace("", np.nan).astype(np.float64)
    except ValueError as error:
        raise DataError(f"{path} holds something that is no number ({error}); {AGAIN}") from None


def _read_table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a CSV as text; it must have these columns and at least one row."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        reason = str(error).strip().splitlines()[0]
        raise DataError(f"{path} cannot be read as CSV ({reason}); {AGAIN}") from None
    missing = [column for column in columns if column not in table]
    if missing:
        raise DataError(f"{path} has no column {missing[0]}; {AGAIN}")
    if table.empty:
        raise DataError(f"{path} has no rows; {AGAIN}")
    return table
