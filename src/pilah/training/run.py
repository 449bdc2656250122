"""A run folder: what one training leaves behind, and how an interrupted one goes on."""

import json
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from pilah.errors import DataError
from pilah.training.recipe import Recipe, read_recipe

HISTORY = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"]


@dataclass(frozen=True, slots=True)
class Run:
    """The paths inside `runs/NAME/`; see docs/ARCHITECTURE.md for what each holds."""

    folder: Path

    @property
    def recipe(self) -> Path:
        """The complete recipe."""
        return self.folder / "recipe.toml"

    @property
    def manifest(self) -> Path:
        """A copy of the manifest that the run was trained on."""
        return self.folder / "manifest.csv"

    @property
    def environment(self) -> Path:
        """Versions, machine, seconds, command."""
        return self.folder / "environment.json"

    @property
    def history(self) -> Path:
        """One row an epoch."""
        return self.folder / "history.csv"

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.folder / "model.keras"

    @property
    def scores(self) -> Path:
        """P(male) of every validation and test image."""
        return self.folder / "scores.csv"

    @property
    def tensorboard(self) -> Path:
        """Logs for `tensorboard --logdir`."""
        return self.folder / "tensorboard"

    @property
    def checkpoint(self) -> Path:
        """What lets an unfinished run go on; removed at its end."""
        return self.folder / "checkpoint"

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.model.is_file() and self.scores.is_file()


def open_run(folder: Path, recipe: Recipe, manifest: Path, data_digest: str) -> Run:
    """Begin a run, or go on with an interrupted one of the same recipe and data.

    Raises:
        DataError: the folder holds a finished run, another run, or something else.
    """
    run = Run(folder)
    if not folder.exists() or not any(folder.iterdir()):
        _begin(run, recipe, manifest, data_digest)
        return run
    if run.finished:
        raise DataError(
            f"{folder} holds a finished run; name another folder with --to, or look at it with "
            f"`pilah evaluate {folder}`"
        )
    if not run.environment.is_file():
        raise DataError(f"{folder} exists and is not a run folder; name another one with --to")
    same_data = json.loads(run.environment.read_text())["data_digest"] == data_digest
    if read_recipe(run.recipe) != recipe or not same_data:
        raise DataError(
            f"{folder} holds an unfinished run of another recipe or other data; name another "
            "folder with --to, or give the same recipe and manifest to go on with it"
        )
    return run


def _begin(run: Run, recipe: Recipe, manifest: Path, data_digest: str) -> None:
    run.folder.mkdir(parents=True, exist_ok=True)
    run.recipe.write_text(recipe.to_toml(), encoding="utf-8")
    shutil.copyfile(manifest, run.manifest)
    # Written last: its presence says that the folder is a run that can go on
    write_environment(
        run,
        {
            "command": " ".join(["pilah", *sys.argv[1:]]),
            "data_digest": data_digest,
            "python": platform.python_version(),
            "keras": version("keras"),
            "pilah": version("pilah"),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "seconds": 0.0,
        },
    )


def write_environment(run: Run, values: dict[str, object]) -> None:
    """Add to or replace in `environment.json`, in one step."""
    known = json.loads(run.environment.read_text()) if run.environment.is_file() else {}
    partial = run.environment.with_suffix(".partial")
    partial.write_text(json.dumps({**known, **values}, indent=2) + "\n", encoding="utf-8")
    partial.replace(run.environment)


def read_history(run: Run) -> pd.DataFrame:
    """The epochs so far; empty before the first ended."""
    return pd.read_csv(run.history) if run.history.is_file() else pd.DataFrame(columns=HISTORY)


def write_history(run: Run, history: pd.DataFrame) -> None:
    """Replace `history.csv` in one step."""
    partial = run.history.with_suffix(".partial")
    history.to_csv(partial, index=False)
    partial.replace(run.history)
