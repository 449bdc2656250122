"""Where does a scene end? Each frame is compared with the one before, made small.

Their mean difference, by how far brightness and colours of both spread, is near 0 for a camera that
stands or moves, and near 1 for two frames that have nothing in common: then it is a cut. A smaller
difference that stands out among those before it (as adaptive detectors of shots take it; Hanjalic,
"Shot-boundary detection: unraveled and resolved?", 2002) is a jump: a cut between two people before
one wall, or a title that appears beside one. The faces themselves have to say which.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pilah.video.decode import Still

Change = Literal["none", "jump", "cut"]
CHANGES: tuple[Change, ...] = ("none", "jump", "cut")

SMALL_HW = (36, 64)
CUT = 0.6
"""Between motion and cuts, as a few clips showed them; labelled ones were not at hand."""

OUTSTANDING = 0.15
TIMES = 6.0
"""From `OUTSTANDING` on, what is `TIMES` the largest of the last `MEMORY` differences is a jump."""

MEMORY = 12
DARK = 4.0
"""Levels, of 255, that are added to the spread: noise in a dark frame is no difference."""


def spaced(stills: Iterable[Still], every: Fraction) -> Iterator[tuple[Still, Change]]:
    """The first still at or after each multiple of `every` seconds, and what changed before it.

    That is the greatest change since the last of these stills. Each of them lasts until the next
    one, and the last one until the end.
    """
    wanted = end = Fraction(0)
    last: tuple[Still, Change] | None = None
    changed: Change = "none"
    scenes = _Scenes()
    for still in stills:
        changed = max(changed, scenes.change_to(still), key=CHANGES.index)
        if still.time >= wanted:
            if last is not None:
                yield _until(still.time, *last)
            last = still, changed
            wanted = (still.time // every + 1) * every
            changed = "none"
        end = still.time + still.lasts
    if last is not None:
        yield _until(end, *last)


def _until(time: Fraction, still: Still, change: Change) -> tuple[Still, Change]:
    return replace(still, lasts=time - still.time), change


class _Scenes:
    """Compares each frame with those before."""

    def __init__(self) -> None:
        self._before: NDArray[np.float32] | None = None
        self._differences: deque[float] = deque(maxlen=MEMORY)

    def change_to(self, still: Still) -> Change:
        now = still.reduced(SMALL_HW).astype(np.float32)
        before, self._before = self._before, now
        if before is None:
            return "none"
        spread = (float(before.std()) + float(now.std())) / 2 + DARK
        difference = float(np.abs(before - now).mean()) / spread
        usual = max(self._differences, default=difference)
        self._differences.append(difference)
        if difference > CUT:
            return "cut"
        return "jump" if difference > max(OUTSTANDING, TIMES * usual) else "none"
