"""A probability becomes a label, or none: the one rule for answers, figures and counts."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pilah.types import LABELS, Label


def likelier(p_male: ArrayLike) -> NDArray[np.int64]:
    """Class of the likelier label, 0 for female and 1 for male; a tie of 0.5 is male."""
    return np.greater_equal(p_male, 0.5).astype(np.int64)


def confidence_of(p_male: ArrayLike) -> NDArray[np.float64]:
    """Probability of the likelier label, 0.5 to 1."""
    return np.maximum(p_male, np.subtract(1, p_male))


def label_of(p_male: float, min_confidence: float) -> Label | None:
    """The likelier label, or None where its probability is below `min_confidence`."""
    if confidence_of(p_male) < min_confidence:
        return None
    return LABELS[likelier(p_male)]
