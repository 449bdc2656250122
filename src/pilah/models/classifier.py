"""Crops become calibrated probabilities."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pilah.answers import confidence_of, logit_of, probability_of
from pilah.errors import BundleError
from pilah.models.bundle import Bundle, BundleFile, open_bundle

BATCH = 8
"""Crops that are classified at once.

More no longer fit into a core's cache (32 take a fifth more time for each face), and ONNX Runtime
keeps the memory of the largest batch that it ever ran.
"""


class Classifier:
    """Runs a bundle's graph, a second time on faces that are not clear at first.

    The mirror image of a face says something new, but seldom of a face that is clear: only those
    below the bundle's `second_look` are worth twice the time.
    """

    def __init__(self, bundle: Bundle) -> None:
        """Use the model of an opened bundle."""
        self._session = bundle.session
        self._second_look = bundle.info.second_look
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
        p_male = self._look(crops, batch)
        if self._second_look is not None:
            unclear = confidence_of(p_male) < self._second_look
            mirrored = self._look(crops[unclear, :, ::-1], batch)
            p_male[unclear] = mean_of_looks(p_male[unclear], mirrored)
        if heights is None or not self._face_heights:
            return p_male
        temperature = self._temperature(heights)
        cooled = probability_of(logit_of(p_male) / temperature).astype(np.float32)
        return np.where(temperature == 1, p_male, cooled)

    def _look(self, crops: NDArray[np.uint8], batch: int) -> NDArray[np.float32]:
        parts = [
            self._session.run(["probabilities"], {"image": crops[start : start + batch]})[0][:, 1]
            for start in range(0, len(crops), batch)
        ]
        return np.concatenate([np.empty(0, np.float32), *parts])

    def _temperature(self, heights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Between the heights that were measured, it follows the logarithm of the height."""
        known = np.log([point.height for point in self._face_heights])
        at_known = [point.temperature for point in self._face_heights]
        temperature = np.interp(np.log(np.maximum(heights, 1)), known, at_known)
        return np.where(np.isnan(heights), 1.0, temperature)


@lru_cache(maxsize=2)
def classifier_of(file: BundleFile) -> Classifier:
    """The classifier of a worker process; it uses one thread.

    Raises:
        BundleError: the file is gone, or is another than the one that was opened first.
    """
    bundle = open_bundle(file.path, threads=1, device=file.device)
    if bundle.file != file:
        raise BundleError(
            f"{file.path} has changed since it was opened; run the same command again"
        )
    return Classifier(bundle)


def mean_of_looks(
    first: NDArray[np.floating], mirrored: NDArray[np.floating]
) -> NDArray[np.float64]:
    """What a face and its mirror image say together: the mean of their logits.

    Args:
        first: P(male) of faces, shape (N,).
        mirrored: P(male) of their mirror images, shape (N,).
    """
    return probability_of((logit_of(first) + logit_of(mirrored)) / 2)
