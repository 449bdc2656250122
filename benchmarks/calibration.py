"""Which calibration makes confidences honest on faces that it has not seen.

    python benchmarks/calibration.py runs/pilah_small_taught

The validation faces of a finished run are cut into ten parts, ten times; each part is calibrated by
what was fitted on the other nine. Temperature is what pilah uses (Guo et al. 2017); Platt's scaling
(1999) has a bias too, beta calibration (Kull et al. 2017) a bias and a slope on either side,
isotonic regression (Zadrozny, Elkan 2002) any rising step function. Reported are means over the ten
times, of all ten parts together.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.special import logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from pilah.evaluation.calibrate import apply_temperature, fit_temperature
from pilah.evaluation.metrics import CLIP, Floats, Ints, measure
from pilah.evaluation.run import measure_run

TIMES, PARTS = 10, 10

Method = Callable[[Floats, Ints, Floats], Floats]
"""Fit on probabilities and labels, then calibrate other probabilities."""


def main() -> None:
    """Measure and print a table for each run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="finished run folders")
    for folder in parser.parse_args().runs:
        run = measure_run(folder)
        scores = run.scores["validation"]
        table = Table(title=f"{run.name}, {len(scores.labels):,} validation faces")
        for column in ("", "loss", "ECE", "accuracy"):
            table.add_column(column, justify="right" if column else "left")
        for name, method in METHODS.items():
            table.add_row(name, *_cross_validated(method, scores.p_male, scores.labels))
        Console().print(table)


def _cross_validated(method: Method, p_male: Floats, labels: Ints) -> tuple[str, str, str]:
    found = []
    for time in range(TIMES):
        calibrated = np.empty_like(p_male)
        parts = StratifiedKFold(PARTS, shuffle=True, random_state=time).split(p_male, labels)
        for others, part in parts:
            calibrated[part] = method(p_male[others], labels[others], p_male[part])
        numbers = measure(calibrated, labels)
        found.append((numbers.loss, numbers.ece, numbers.accuracy.value))
    loss, ece, accuracy = np.mean(found, axis=0)
    return f"{loss:.4f}", f"{ece:.4f}", f"{accuracy:.2%}"


def _temperature(p_male: Floats, labels: Ints, others: Floats) -> Floats:
    return apply_temperature(others, fit_temperature(p_male, labels))


def _platt(p_male: Floats, labels: Ints, others: Floats) -> Floats:
    return _logistic(lambda p: logit(p)[:, None], p_male, labels, others)


def _beta(p_male: Floats, labels: Ints, others: Floats) -> Floats:
    return _logistic(lambda p: np.stack([np.log(p), -np.log(1 - p)], 1), p_male, labels, others)


def _logistic(
    features: Callable[[Floats], Floats], p_male: Floats, labels: Ints, others: Floats
) -> Floats:
    clipped, other = (np.clip(p, CLIP, 1 - CLIP) for p in (p_male, others))
    model = LogisticRegression(C=np.inf, max_iter=1000).fit(features(clipped), labels)
    calibrated: Floats = model.predict_proba(features(other))[:, 1]
    return calibrated


def _isotonic(p_male: Floats, labels: Ints, others: Floats) -> Floats:
    fitted = IsotonicRegression(out_of_bounds="clip").fit(p_male, labels)
    calibrated: Floats = fitted.predict(others)
    return calibrated


METHODS: dict[str, Method] = {
    "none": lambda p_male, labels, others: others,
    "temperature": _temperature,
    "Platt": _platt,
    "beta": _beta,
    "isotonic": _isotonic,
}


if __name__ == "__main__":
    main()
