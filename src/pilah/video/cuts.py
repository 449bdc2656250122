"""Where does a scene end? Each frame is compared with the one before, made small.

Their mean difference, by how far brightness and colours of both spread, is near 0 for a camera that
stands or moves, and near 1 for two frames that have nothing in common. Two thresholds, as in usual
detectors of shots (Hanjalic, "Shot-boundary detection: unraveled and resolved?", 2002): one for all
cuts, and a lower one for a difference that stands out among those before it, as where two people
are shown by turns before one wall.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pilah.video.decode import Still

SMALL_HW = (36, 64)
CUT = 0.6
"""In 20 seconds of real videos with 8 cuts, cuts began at 0.74, and motion went up to 0.50."""

OUTSTANDING = 0.15
TIMES = 6.0
"""From `OUTSTANDING` on, what is `TIMES` the largest of the last `MEMORY` differences is a cut."""

MEMORY = 12
DARK = 4.0
"""Levels, of 255, that are added to the spread: noise in a dark frame is no difference."""


def spaced(stills: Iterable[Still], every: Fraction) -> Iterator[tuple[Still, bool]]:
    """The first still at or after each multiple of `every` seconds, and whether a scene began.

    A scene that began between two of these stills begins at the second.
    """
    wanted = Fraction(0)
    began = False
    scenes = _Scenes()
    for still in stills:
        began |= scenes.begins_with(still)
        if still.time >= wanted:
            yield still, began
            wanted = (still.time // every + 1) * every
            began = False


class _Scenes:
    """Compares each frame with those before."""

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None
        self._differences: deque[float] = deque(maxlen=MEMORY)

    def begins_with(self, still: Still) -> bool:
        now = still.reduced(SMALL_HW).astype(np.float32)
        before, self._before = self._before, now
        if before is None:
            return False
        spread = (float(before.std()) + float(now.std())) / 2 + DARK
        difference = float(np.abs(before - now).mean()) / spread
        usual = max(self._differences, default=difference)
        self._differences.append(difference)
        return difference > CUT or difference > max(OUTSTANDING, TIMES * usual)
