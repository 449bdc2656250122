"""Of which faces is the mirror image worth looking at too? Chosen on validation faces.

The mean over a face and its mirror image is a better answer than the face alone gives, at twice the
time. What it gains, it gains on faces that are not clear at first (`benchmarks/second_look.py`).
"""

import numpy as np

from pilah.answers import confidence_of
from pilah.evaluation.calibrate import apply_temperature, fit_temperature
from pilah.evaluation.metrics import Floats, Ints, cross_entropy
from pilah.models.classifier import mean_of_looks

LOSS = 0.01
"""The share by which the loss may be above that of two looks at every face."""

CANDIDATES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995, 0.999)


def choose_second_look(first: Floats, mirrored: Floats, labels: Ints) -> float:
    """The lowest confidence from which on one look does as well as two.

    Args:
        first: P(male) of faces as the graph gives it, without a temperature, shape (n,).
        mirrored: the same of their mirror images.
        labels: annotated labels, shape (n,), 0 female and 1 male.

    Returns:
        One of `CANDIDATES`, in terms of `first`: the cross-entropy of the whole rule, with the
        temperature that suits it, is at most `LOSS` above that of two looks at every face. The last
        where none does.
    """
    allowed = (1 + LOSS) * _loss(mean_of_looks(first, mirrored), labels)
    for below in CANDIDATES:
        if _loss(answers_of_looks(first, mirrored, below), labels) <= allowed:
            return below
    return CANDIDATES[-1]


def answers_of_looks(first: Floats, mirrored: Floats, below: float) -> Floats:
    """P(male), shape (n,): the mean of both looks where the first is less sure than `below`."""
    return np.where(confidence_of(first) < below, mean_of_looks(first, mirrored), first)


def _loss(p_male: Floats, labels: Ints) -> float:
    return cross_entropy(apply_temperature(p_male, fit_temperature(p_male, labels)), labels)
