"""Crops become calibrated probabilities."""

import numpy as np
from numpy.typing import NDArray

from pilah.models.bundle import Bundle

BATCH = 8
"""Crops that are classified at once.

More no longer fit into a core's cache (32 take a fifth more time for each face), and ONNX Runtime
keeps the memory of the largest batch that it ever ran.
"""


class Classifier:
    """Runs a bundle's graph."""

    def __init__(self, bundle: Bundle) -> None:
        """Use the model of an opened bundle."""
        self._session = bundle.session
        self._face_heights = bundle.info.face_heights

    def p_male(
        self,
        crops: NDArray[np.uint8],
        heights: NDArray[np.float64] | None = None,
        *,
        batch: int = BATCH,
    ) -> NDArray[np.float32]:
        """Probability of the label male for each crop.

        Args:
            crops: uint8 RGB (N, height, width, 3) of the bundle's size.
            heights: how high each face is in its photo, in pixels (N,): the lower, the less certain
                the answer. None, or NaN for one face, is for ready crops.
            batch: how many crops one run of the graph takes.

        Returns:
            float32 (N,).
        """
        parts = [
            self._session.run(["probabilities"], {"image": crops[start : start + batch]})[0][:, 1]
            for start in range(0, len(crops), batch)
        ]
        p_male = np.concatenate([np.empty(0, np.float32), *parts])
        if heights is None or not self._face_heights:
            return p_male
        return _at_temperature(p_male, self._temperature(heights))

    def _temperature(self, heights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Between the heights that were measured, it follows the logarithm of the height."""
        known = np.log([point.height for point in self._face_heights])
        at_known = [point.temperature for point in self._face_heights]
        temperature = np.interp(np.log(np.maximum(heights, 1)), known, at_known)
        return np.where(np.isnan(heights), 1.0, temperature)


def _at_temperature(
    p_male: NDArray[np.float32], temperature: NDArray[np.float64]
) -> NDArray[np.float32]:
    p = np.clip(p_male.astype(np.float64), 1e-7, 1 - 1e-7)
    logit = np.log(p / (1 - p)) / temperature
    cooled: NDArray[np.float32] = (1 / (1 + np.exp(-logit))).astype(np.float32)
    return np.where(temperature == 1, p_male, cooled)
