"""The tables of a run folder: `history.csv`, one row per epoch, and `scores.csv`, one per face."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pilah.csv_lines import write_csv
from pilah.errors import DataError
from pilah.files import replacing
from pilah.runs.folder import AGAIN, Run
from pilah.runs.splits import SPLITS
from pilah.types import LABELS

CURVES = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
"""The columns of a history that are shown; every history has them."""

HISTORY = (*CURVES, "learning_rate", "seconds")
SCORES = ("path", "split", "label", "p_male")


@dataclass(frozen=True, slots=True)
class Scores:
    """One split's scored faces: paths, labels (N,) of 0 and 1, and p_male (N,)."""

    paths: tuple[str, ...]
    labels: NDArray[np.int64]
    p_male: NDArray[np.float64]


def read_history(run: Run) -> pd.DataFrame:
    """The epochs of a run as numbers, in the columns `HISTORY`; the last two may be missing.

    Raises:
        DataError: the file is missing, empty, or holds something else.
    """
    table = _read_table(run.history, CURVES)
    try:
        numbers: pd.DataFrame = table.filter(HISTORY).replace("", np.nan).apply(pd.to_numeric)
    except ValueError as error:
        raise DataError(
            f"{run.history} holds something that is no number ({error}); {AGAIN}"
        ) from None
    return numbers


def write_history(run: Run, history: pd.DataFrame) -> None:
    """Replace `history.csv` in one step."""
    with replacing(run.history) as draft:
        history.to_csv(draft, index=False)


def read_scores(run: Run) -> dict[str, Scores]:
    """The scored faces of each split that holds any, in the order of `SPLITS`.

    Raises:
        DataError: the file is missing, empty, or holds something else.
    """
    table = _read_table(run.scores, SCORES)
    table["p_male"] = pd.to_numeric(table["p_male"], errors="coerce")
    for column, good, expected in (
        ("split", table["split"].isin(SPLITS), "one of " + ", ".join(SPLITS)),
        ("label", table["label"].isin(LABELS), " or ".join(LABELS)),
        ("p_male", table["p_male"].between(0, 1), "a number from 0 to 1"),
    ):
        if not good.all():
            row = int(np.flatnonzero(~good)[0]) + 2  # as a spreadsheet counts
            raise DataError(f"{run.scores}, row {row}: {column} is not {expected}; {AGAIN}")
    return {
        split: Scores(
            paths=tuple(part["path"]),
            labels=(part["label"] == LABELS[1]).to_numpy().astype(np.int64),
            p_male=part["p_male"].to_numpy(dtype=np.float64),
        )
        for split in SPLITS
        if len(part := table[table["split"] == split])
    }


def write_scores(run: Run, scores: pd.DataFrame) -> None:
    """Write `scores.csv` in one step; it has the columns `SCORES`."""
    with replacing(run.scores) as draft:
        write_csv(scores[list(SCORES)], draft)


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
