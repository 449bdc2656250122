"""Temperature scaling: one number, fitted on validation faces, that makes confidences honest.

Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks, ICML 2017, section 4.2. The
logit is divided by the temperature: above 1 it takes back confidence, below 1 it adds some, and no
label changes. Methods with more numbers gained nothing (`benchmarks/calibration.py`).
"""

import math

import numpy as np
from scipy.optimize import minimize_scalar

from pilah.answers import logit_of, probability_of
from pilah.errors import DataError
from pilah.evaluation.metrics import Floats, Ints

LOWEST, HIGHEST = 0.1, 10.0
"""A fit stays between these: validation faces without one mistake would ask for 0."""


def fit_temperature(p_male: Floats, labels: Ints) -> float:
    """The temperature with the lowest mean negative log-likelihood.

    Args:
        p_male: probabilities of the label `male` as the model gives them, shape (N,).
        labels: annotated labels, shape (N,), 0 female and 1 male.

    Raises:
        DataError: there are no faces to fit on.
    """
    if len(labels) == 0:
        raise DataError("there are no validation faces to calibrate on; prepare a validation split")
    # The logit of the annotated label, whichever it is.
    logits = logit_of(p_male) * np.where(labels == 1, 1, -1)

    def loss(log_temperature: float) -> float:
        return float(np.logaddexp(0, -logits / math.exp(log_temperature)).mean())

    fit = minimize_scalar(loss, bounds=(math.log(LOWEST), math.log(HIGHEST)), method="bounded")
    return math.exp(fit.x)


def apply_temperature(p_male: Floats, temperature: float) -> Floats:
    """The probabilities, shape (N,), that a model with this temperature gives."""
    return probability_of(logit_of(p_male) / temperature)
