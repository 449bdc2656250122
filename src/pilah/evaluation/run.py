"""A finished run folder, read and measured, as a frozen value."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pilah.evaluation.calibrate import apply_temperature, fit_temperature
from pilah.evaluation.metrics import Metrics, measure
from pilah.runs.folder import Run
from pilah.runs.splits import shown_split
from pilah.runs.tables import Scores, read_history, read_scores


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """A finished run and its figures.

    `history` has one row per epoch. `scores` and `metrics` have the splits that hold faces, in the
    order of `SPLITS`. `temperature` is fitted on the validation split, and `calibrated` measures
    every split with it; both are empty where there is no validation split.
    """

    files: Run
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
        return self.files.name

    @property
    def shown(self) -> str:
        """The split that plots are about."""
        return shown_split(self.scores)


def measure_run(folder: Path) -> MeasuredRun:
    """Read a run folder and measure its splits; nothing is written.

    Raises:
        DataError: it is not a run folder, the run is not finished, or a file of it is broken.
    """
    run = Run(folder)
    run.check_finished()
    recipe, environment = run.read_recipe(), run.read_environment()
    scores = read_scores(run)
    temperature = None
    if validation := scores.get("validation"):
        temperature = fit_temperature(validation.p_male, validation.labels)
    return MeasuredRun(
        files=run,
        recipe=recipe,
        environment=environment,
        history=read_history(run),
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
