"""The share of women among clear faces: as counted, and corrected for the model's known errors.

A model that takes 2% of men for women finds "women" in a room of men. Rogan and Gladen ("Estimating
prevalence from the results of a screening test", American Journal of Epidemiology 107:71-76, 1978)
turn the counted share back into the true one, given how often the model answers "female" for faces
that annotators called female (h) and for faces that they called male (a):

    counted = true * h + (1 - true) * a        so        true = (counted - a) / (h - a)

A model that may say "unsure" fits the same equation when everything is counted among clear faces
only: the share is that among clear faces, and h and a are rates among the clear validation faces.
What lies in the unsure faces is not guessed but bounded (`Share.bounds`).

The interval is a Monte Carlo of two uncertainties at once. The counted share varies because other
photos might have been taken; h and a vary because they were measured on finitely many validation
faces. Each is drawn from its posterior under Jeffreys' prior (a Beta distribution), the equation is
applied to every draw and clipped to 0..1, and the middle 95% are kept. Faces of one photo tend to
be alike (a women's team), so the count enters with its effective size: the number of independent
faces that would say as much (Kish, "Survey Sampling", 1965, the design effect; here by
linearisation of the ratio of women to clear faces, with photos as the clusters).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilah.models.bundle import LabelCounts

DRAWS = 20_000
SEED = 1978
MIDDLE_95 = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share (0 to 1) and its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(slots=True)
class ClearFaces:
    """Sums over photos that have a clear face; all that the estimate needs, whatever their number.

    `women` and `faces` count clear faces; the squares are sums of a photo's squared counts.
    """

    photos: int = 0
    women: int = 0
    faces: int = 0
    women_squared: int = 0
    women_by_faces: int = 0
    faces_squared: int = 0

    def add(self, *, women: int, men: int) -> None:
        """Count one photo's clear faces."""
        faces = women + men
        if faces:
            self.photos += 1
            self.women += women
            self.faces += faces
            self.women_squared += women * women
            self.women_by_faces += women * faces
            self.faces_squared += faces * faces

    @property
    def effective(self) -> float:
        """How many independent faces say as much: at most `faces`.

        Where photos cannot show how alike their faces are (there is one photo, or all faces have
        one label), each photo counts once.
        """
        if self.photos < 2 or self.women in (0, self.faces):
            return float(self.photos)
        share = self.women / self.faces
        # sum over photos of (women - share * faces)^2: how far photos stray from the common share
        spread = (
            self.women_squared
            - 2 * share * self.women_by_faces
            + share * share * self.faces_squared
        )
        between_photos = spread * self.photos / (self.photos - 1)
        if_independent = self.faces * share * (1 - share)
        return self.faces / max(1.0, between_photos / if_independent)


@dataclass(frozen=True, slots=True)
class Share:
    """The share of women among clear faces.

    `corrected` is None where the model's error rates are unknown or no better than chance. `bounds`
    are the least and the greatest share among all faces found, were every unsure face a man's or
    every one a woman's.
    """

    raw: Estimate
    corrected: Estimate | None
    bounds: tuple[float, float]
    effective_faces: float


def share_of_women(
    clear: ClearFaces, *, unsure: int, validation: Mapping[str, LabelCounts]
) -> Share | None:
    """Estimate the share of women among clear faces.

    Args:
        clear: the clear faces, counted by photo.
        unsure: how many faces were found but not labelled.
        validation: `BundleInfo.validation`, how faces of known label were answered.

    Returns:
        The share with its intervals, the same for the same input; None without a clear face.
    """
    if not clear.faces:
        return None
    random = np.random.default_rng(SEED)
    counted = clear.women / clear.faces
    size = clear.effective
    counted_draws = random.beta(counted * size + 0.5, (1 - counted) * size + 0.5, DRAWS)
    raw = _estimate(counted, counted_draws)

    corrected = None
    of_women, of_men = validation.get("female"), validation.get("male")
    if of_women and of_men and of_women.female + of_women.male and of_men.female + of_men.male:
        hit = of_women.female / (of_women.female + of_women.male)
        false_alarm = of_men.female / (of_men.female + of_men.male)
        if hit > false_alarm:
            hit_draws = random.beta(of_women.female + 0.5, of_women.male + 0.5, DRAWS)
            false_alarm_draws = random.beta(of_men.female + 0.5, of_men.male + 0.5, DRAWS)
            # a draw in which the model is no better than chance says nothing of the share
            useful = hit_draws > false_alarm_draws
            draws = (counted_draws - false_alarm_draws)[useful]
            draws /= (hit_draws - false_alarm_draws)[useful]
            corrected = _estimate((counted - false_alarm) / (hit - false_alarm), draws)

    women = (corrected or raw).value * clear.faces
    found = clear.faces + unsure
    bounds = (women / found, (women + unsure) / found)
    return Share(raw, corrected, bounds, size)


def _estimate(value: float, draws: NDArray[np.float64]) -> Estimate:
    """Clip to 0..1 and keep the middle 95% of the draws, widened to hold the value itself."""
    low, high = np.quantile(np.clip(draws, 0, 1), MIDDLE_95)
    value = min(max(value, 0.0), 1.0)
    return Estimate(value, min(value, float(low)), max(value, float(high)))
