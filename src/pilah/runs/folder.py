"""The files of a run folder, `runs/NAME/`: their names, and how the JSON and TOML ones are read.

docs/ARCHITECTURE.md says what each holds.
"""

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilah.errors import DataError
from pilah.files import write_text

AGAIN = "train it again into a new folder"
"""What to do about a run whose files are broken."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run folder, finished or not."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

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
        """One row per epoch."""
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
    def metrics(self) -> Path:
        """The figures of each split, after `pilah evaluate`."""
        return self.folder / "metrics.json"

    @property
    def plots(self) -> Path:
        """The pictures, after `pilah evaluate`."""
        return self.folder / "plots"

    @property
    def tensorboard(self) -> Path:
        """Logs for `tensorboard --logdir`."""
        return self.folder / "tensorboard"

    @property
    def checkpoint(self) -> Path:
        """What lets an unfinished run resume; removed at its end."""
        return self.folder / "checkpoint"

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.model.is_file() and self.scores.is_file()

    def check_finished(self) -> None:
        """Refuse a folder that holds no finished run.

        Raises:
            DataError: it is not a run folder, or the run is not finished.
        """
        if not self.recipe.is_file():
            raise DataError(
                f"{self.folder} is not a run folder (it has no recipe.toml); give a folder that "
                "`pilah train` wrote"
            )
        if not self.scores.is_file():
            raise DataError(
                f"the run in {self.folder} is not finished (it has no scores.csv); run the same "
                "`pilah train` command again to finish it"
            )

    def read_recipe(self) -> dict[str, Any]:
        """The recipe's values, of which only the backbone is sure; `runs/recipe.py` checks all.

        Raises:
            DataError: the file cannot be read, or names no backbone.
        """
        values = self._read(self.recipe, tomllib.loads)
        model = values.get("model")
        if not isinstance(model, dict) or not isinstance(model.get("backbone"), str):
            raise DataError(f"{self.recipe} names no backbone; {AGAIN}")
        return values

    @property
    def data_digest(self) -> str:
        """The name of the data, see `dataset.manifest.digest`.

        Raises:
            DataError: environment.json cannot be read, or does not have it.
        """
        found = self.read_environment().get("data_digest")
        if not isinstance(found, str):
            raise DataError(f"{self.environment} does not name the data; {AGAIN}")
        return found

    def read_environment(self) -> dict[str, Any]:
        """What `environment.json` holds.

        Raises:
            DataError: the file cannot be read, or a number in it is none.
        """
        values = self._read(self.environment, json.loads)
        for name in ("seconds", "parameters"):
            if not isinstance(values.get(name, 0), int | float):
                raise DataError(f"{self.environment}: {name} is not a number; {AGAIN}")
        return values

    def read_metrics(self) -> dict[str, Any]:
        """What `metrics.json` holds: a split's name to its figures.

        Raises:
            DataError: the file cannot be read.
        """
        return self._read(self.metrics, json.loads)

    def write_environment(self, values: dict[str, Any]) -> None:
        """Add to or replace in `environment.json`, in one step."""
        known = self.read_environment() if self.environment.is_file() else {}
        write_text(self.environment, json.dumps({**known, **values}, indent=2) + "\n")

    def _read(self, path: Path, parse: Callable[[str], Any]) -> dict[str, Any]:
        try:
            values: dict[str, Any] = parse(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"the run in {self.folder} cannot be read ({error}); {AGAIN}") from None
        if not isinstance(values, dict):
            raise DataError(f"{path} is not what `pilah train` wrote; {AGAIN}")
        return values


def check_export(run: Run, to: Path) -> None:
    """Refuse what cannot be exported, before anything slow.

    Raises:
        DataError: the run is not finished, or `to` exists.
    """
    if not run.finished:
        raise DataError(
            f"{run.folder} is not a finished run; run the same `pilah train` command again to "
            "finish it"
        )
    if to.exists():
        raise DataError(f"{to} exists; name another file with --to, or move it away first")
