"""Where does a scene end? Each frame is compared with the one before, made small.

Their mean difference, by how far brightness and colours of both spread, is near 0 for a camera that
stands or moves, and near 1 for two frames that have nothing in common: then it is a cut. A smaller
difference, or one of a part of the picture, that stands out among those before it (as adaptive
detectors of shots take it; Hanjalic, "Shot-boundary detection: unraveled and resolved?", 2002) is a
jump: a cut between two people before one wall, or a title that appears beside one. The faces
themselves have to say which.

A camera that turns quickly before a patterned wall makes differences too: frames that differ are
compared again with that turn taken out. Where they differ by their light alone, it was a switch.
Where the picture of before a cut is soon back, it was a flash, or a frame that does not belong.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pilah.video.decode import Still

Change = Literal["none", "jump", "back", "cut"]
CHANGES: tuple[Change, ...] = ("none", "jump", "back", "cut")
"""The later, the more of it counts; `back` is the end of what a cut began."""

SMALL_HW = (36, 64)
CUT = 0.6
"""Between motion and cuts, as a few clips showed them; labelled ones were not at hand."""

BACK = Fraction(1, 2)
"""Seconds: a scene is longer, a flash is shorter."""

ALIKE = 0.3
"""Two frames of one scene, some tenths of a second apart."""

TILE_HW = (9, 16)
OUTSTANDING = 0.15
TIMES = 4.0
"""From `OUTSTANDING` on, what is `TIMES` the largest difference of the last `MEMORY` is a jump.

Of the tile of the picture where it is largest: faces may be small.
"""

EXPLAINED = 0.75
"""The camera turned if less than this of a difference is left where its turn is taken out."""

MEMORY = Fraction(1, 4)
"""Seconds: longer than between two drawings of a cartoon, shorter than between two cuts."""

GREY = np.full(3, 1 / 3, np.float32)
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
        change = scenes.change_to(still)
        is_over = change == "back" and changed == "cut"  # and no look has seen it
        changed = "jump" if is_over else max(changed, change, key=CHANGES.index)
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
        self._differences: deque[tuple[Fraction, float]] = deque()
        self._left: tuple[Fraction, NDArray[np.float32]] | None = None  # before a cut, and when

    def change_to(self, still: Still) -> Change:
        now = still.reduced(SMALL_HW).astype(np.float32)
        before, self._before = self._before, now
        if before is None:
            return "none"
        while self._differences and self._differences[0][0] < still.time - MEMORY:
            self._differences.popleft()
        usual = max((each for _, each in self._differences), default=0.0)
        outstanding = max(OUTSTANDING, TIMES * usual)
        whole, part = _differences(before, now)
        if whole > CUT or part > outstanding:
            turned = _differences(_soft(before), _soft(now), *_turn(before, now))
            if turned[0] < EXPLAINED * whole:
                whole, part = turned
        self._differences.append((still.time, part))
        if whole > CUT and _differences(_unlit(before), _unlit(now))[0] > CUT:
            return self._cut(still.time, before, now)
        return "jump" if part > outstanding else "none"

    def _cut(self, time: Fraction, before: NDArray[np.float32], now: NDArray[np.float32]) -> Change:
        if self._left is None or time - self._left[0] > BACK:
            self._left = time, before
        elif _differences(self._left[1], now)[0] < ALIKE:
            self._left = None
            return "back"
        return "cut"


def _differences(
    before: NDArray[np.float32], now: NDArray[np.float32], down: int = 0, right: int = 0
) -> tuple[float, float]:
    """Mean difference by the spread: of the whole picture, and of the tile where it is largest.

    What `before` shows is expected so many pixels further `down` and `right`; what only one of the
    two shows does not count.
    """
    rows, rows_now = _shared(SMALL_HW[0], down)
    columns, columns_now = _shared(SMALL_HW[1], right)
    spread = (float(before.std()) + float(now.std())) / 2 + DARK
    apart = np.abs(before[rows, columns] - now[rows_now, columns_now])
    tiled = np.zeros_like(now)
    tiled[rows_now, columns_now] = apart
    height, width = TILE_HW
    tiles = tiled.reshape(-1, height, SMALL_HW[1] // width, 3 * width).mean(axis=1).mean(axis=2)
    return float(apart.mean()) / spread, float(tiles.max()) / spread


def _unlit(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """A picture as if its light were always the same."""
    scaled: NDArray[np.float32] = (picture - picture.mean()) * (64 / (picture.std() + DARK))
    return scaled


def _soft(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each pixel and its neighbours above and left: a turn by half a pixel is hardly seen."""
    rows = picture + np.roll(picture, 1, axis=0)
    soft: NDArray[np.float32] = (rows + np.roll(rows, 1, axis=1)) / np.float32(4)
    return soft


def _shared(size: int, by: int) -> tuple[slice, slice]:
    """Which part of a side is seen before and after it moves."""
    return slice(max(-by, 0), size - max(by, 0)), slice(max(by, 0), size + min(by, 0))


def _turn(before: NDArray[np.float32], now: NDArray[np.float32]) -> tuple[int, int]:
    """By how many pixels down and right a camera's turn moved the picture, by phase correlation."""
    a, b = (np.fft.rfft2(each @ GREY) for each in (before, now))
    product = a.conj() * b
    like = np.fft.irfft2(product / (np.abs(product) + 1), SMALL_HW)
    down, right = np.unravel_index(like.argmax(), SMALL_HW)
    height, width = SMALL_HW
    return (
        (int(down) + height // 2) % height - height // 2,
        (int(right) + width // 2) % width - width // 2,
    )
