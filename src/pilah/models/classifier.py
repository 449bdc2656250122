"""Crops become calibrated probabilities, and a probability becomes a label or none."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pilah.models.bundle import Bundle
from pilah.types import LABELS, Label


class Classifier:
    """Runs a bundle's graph."""

    def __init__(self, bundle: Bundle) -> None:
        """Use the model of an opened bundle."""
        self._session = bundle.session

    def p_male(self, crops: NDArray[np.uint8], *, batch: int = 32) -> NDArray[np.float32]:
        """Probability of the label male for each crop.

        Args:
            crops: uint8 RGB (N, height, width, 3) of the bundle's size.
            batch: how many crops one run of the graph takes.

        Returns:
            float32 (N,).
        """
        parts = [
            self._session.run(["probabilities"], {"image": crops[start : start + batch]})[0][:, 1]
            for start in range(0, len(crops), batch)
        ]
        return np.concatenate([np.empty(0, np.float32), *parts])


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
