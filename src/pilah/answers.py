"""A probability becomes a label, or none, or a logit: one rule for answers, figures and counts."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pilah.types import LABELS, Label

EDGE = 1e-7
"""A probability of 0 or 1 has no logit; Keras keeps this far from them too."""


def likelier(p_male: ArrayLike) -> NDArray[np.int64]:
    """Class of the likelier label, 0 for female and 1 for male; a tie of 0.5 is male."""
    return np.greater_equal(p_male, 0.5).astype(np.int64)


def confidence_of(p_male: ArrayLike) -> NDArray[np.float64]:
    """Probability of the likelier label, 0.5 to 1."""
    return np.maximum(p_male, np.subtract(1, p_male))


def logit_of(p_male: ArrayLike) -> NDArray[np.float64]:
    """The logit of a probability, of one `EDGE` from 0 and 1 at least."""
    p = np.clip(np.asarray(p_male, np.float64), EDGE, 1 - EDGE)
    logit: NDArray[np.float64] = np.log(p / (1 - p))
    return logit


def probability_of(logit: ArrayLike) -> NDArray[np.float64]:
    """The probability of a logit."""
    p: NDArray[np.float64] = 1 / (1 + np.exp(np.negative(logit)))
    return p


def label_of(p_male: float, min_confidence: float) -> Label | None:
    """The likelier label, or None where its probability is below `min_confidence`."""
    if confidence_of(p_male) < min_confidence:
        return None
    return LABELS[likelier(p_male)]
