"""Faces that follow each other in time become tracks, by overlap and motion.

As SORT does (Bewley, Ge, Ott, Ramos, Upcroft: "Simple Online and Realtime Tracking", 2016), each
track says where its face should be now, and faces are given to the tracks that they overlap most.
Looks are fractions of a second apart, so a face may have moved by more than its width: what finds
no partner is tried again with boxes made larger, as in C-BIoU (Yang, Odashima, Masui, Jiang: "Hard
to Track Objects with Irregular Motions and Similar Appearances? Make It Easier by Buffering the
Matching Space", 2023). Motion is the mean of the last steps, as there, not a Kalman filter. Pairs
are taken best first: faces seldom overlap, so that the best assignment of all is hardly another.

A track is not a person: a face that is gone for longer than `GONE`, or over a cut, begins anew.
Only where a cut was the begin of a flash do those go on who were there before it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from pilah.types import Box
from pilah.video.cuts import BACK, CHANGES, Change
from pilah.video.look import Look, Sighting

GONE = Fraction(1)
"""Seconds after which a face that returns is another track: someone has passed in front of it."""

BUFFERS = (0.0, 0.3, 0.8)
"""By how much of their size boxes are made larger on each side, in turn; see `SPEED`."""

SPEED = 4.0
"""But by no more than so many sizes a second, since the face was last seen."""

LEAST_OVERLAP = 0.1
STAYS = 0.5
"""How far a face overlaps its place of a second ago if it stays there."""

UNLIKE, UNLIKE_AFTER_JUMP = 1.0, 0.3
"""How far the marks of one face may lie apart, and how far after a jump.

Of 1500 faces of CelebA, two of three pairs lie less than 1 apart, one of 900 less than 0.3. With
boxes that are a few percent off, one face lies 0.1 from itself.
"""

DARK = 4.0
"""Levels, of 255, that are added to the spread of a mark: noise in a dark one is no difference."""

SIZES = 1.6
"""How many times as high a face can be that goes on with a track: no face grows faster."""

DISSOLVED, STRAIGHT = 0.55, 0.2
"""A face dissolves into another if in `GONE` seconds its marks go so far, and straight: all between
are mixtures of both ends, but for this share of the way. Marks of a head that turns are not.
"""

STEPS = 3
"""Sightings that say how a face moves."""

CLEAR = 0.9
"""What the detector must say of a face that is seen only once."""


@dataclass(slots=True, eq=False)
class Path:
    """The sightings of one face; `on_screen` is how many seconds it was seen.

    Each sighting counts until the next look. `change` is the greatest since the last of them.
    """

    sightings: list[Sighting] = field(default_factory=list)
    on_screen: Fraction = Fraction(0)
    change: Change = "none"

    def expected(self, time: Fraction) -> Box:
        """Where the face should be: it goes on as it did in its last steps."""
        *_, last = self.sightings
        first = self.sightings[-STEPS:][0]
        box, since = last.face.box, last.time - first.time
        if not since:
            return box
        ahead = float((time - last.time) / since)
        right = ahead * (_centre(box)[0] - _centre(first.face.box)[0])
        down = ahead * (_centre(box)[1] - _centre(first.face.box)[1])
        return Box(box.left + right, box.top + down, box.right + right, box.bottom + down)

    @property
    def counts(self) -> bool:
        """Whether this is a face, and not one mistake of the detector."""
        return len(self.sightings) > 1 or self.sightings[0].face.detector_score >= CLEAR


def paths_of(looks: Iterable[Look], every: Fraction) -> Iterator[Path]:
    """Give each path as soon as it has ended.

    Args:
        looks: in the order of their times.
        every: seconds between two looks.
    """
    live: list[Path] = []
    before: Fraction | None = None
    gone = max(GONE, 2 * every)
    for look in looks:
        ended = []
        for path in live:
            was_seen = path.sightings[-1].time == before
            if was_seen:
                path.on_screen += look.time - path.sightings[-1].time
            path.change = _changed(path.change, look.change)
            has_left = not was_seen and _outside(path.expected(look.time), look.size_hw)
            wait = BACK + every if path.change == "cut" else gone
            last = path.sightings[-1]  # a picture may stay on screen for long
            is_gone = look.time - last.time - last.lasts > wait
            if is_gone or has_left:
                ended.append(path)
        before = look.time
        live = [path for path in live if path not in ended]
        yield from (path for path in ended if path.counts)
        live += _continued(live, look)
    for path in live:
        if path.sightings[-1].time == before:
            path.on_screen += path.sightings[-1].lasts
        if path.counts:
            yield path


def _changed(before: Change, now: Change) -> Change:
    """What changed since a face was last seen."""
    if now == "back":  # who was there before the cut may go on, who was seen since may not
        return "jump" if before == "cut" else "cut"
    return max(before, now, key=CHANGES.index)


def _continued(live: list[Path], look: Look) -> list[Path]:
    """Give the faces of a look to paths; return new paths for those that are left."""
    paths = [(path, path.expected(look.time)) for path in live]
    left = list(look.sightings)
    for buffer in BUFFERS:
        pairs = sorted(
            (
                (_likeness(path, expected, sighting, buffer), index, number)
                for index, (path, expected) in enumerate(paths)
                for number, sighting in enumerate(left)
            ),
            reverse=True,
        )
        taken_paths: set[int] = set()
        taken: set[int] = set()
        for likeness, index, number in pairs:
            if likeness > 0 and index not in taken_paths and number not in taken:
                path, _ = paths[index]
                path.sightings.append(left[number])
                path.change = "none"
                taken_paths.add(index)
                taken.add(number)
        paths = [pair for index, pair in enumerate(paths) if index not in taken_paths]
        left = [sighting for number, sighting in enumerate(left) if number not in taken]
    return [Path([sighting]) for sighting in left]


def _likeness(path: Path, expected: Box, sighting: Sighting, buffer: float) -> float:
    """How well a face goes on with a path, 0 where it cannot."""
    if path.change == "cut":
        return 0.0
    buffer = min(buffer, SPEED * float(sighting.time - path.sightings[-1].time))
    low, high = sorted((expected.height, sighting.face.box.height))
    if high > SIZES * low:
        return 0.0
    overlap = _overlap(_larger(expected, buffer), _larger(sighting.face.box, buffer))
    if overlap < LEAST_OVERLAP:
        return 0.0
    unlike = UNLIKE_AFTER_JUMP if path.change == "jump" else UNLIKE
    like = 1 - _apart(path.sightings[-1].mark, sighting.mark) / unlike
    return overlap * like if like > 0 and not _dissolves(path, sighting) else 0.0


def _dissolves(path: Path, sighting: Sighting) -> bool:
    """Whether a face slowly became another, as no two looks alone can show."""
    lately = takewhile(lambda each: sighting.time - each.time <= GONE, reversed(path.sightings))
    *between, first = [*lately] or [sighting]
    if not between or _apart(first.mark, sighting.mark) < DISSOLVED:
        return False
    if _overlap(first.face.box, sighting.face.box) < STAYS:
        return False
    start, end, *marks = (_levels(each.mark) for each in (first, sighting, *between))
    way = end - start
    ahead = np.array(marks) - start
    shares = (ahead @ way / (way @ way)).clip(0, 1)
    off = np.abs(ahead - np.outer(shares, way)).mean(axis=1)
    mixed = (shares > STRAIGHT) & (shares < 1 - STRAIGHT)
    return bool(mixed.any() and off.max() < STRAIGHT * np.abs(way).mean())


def _apart(mark: bytes, other: bytes) -> float:
    """Mean difference of two marks, each by its own mean and spread: whatever the light."""
    a, b = (
        (levels - levels.mean()) / (levels.std() + DARK) for levels in map(_levels, (mark, other))
    )
    return float(np.abs(a - b).mean())


def _levels(mark: bytes) -> NDArray[np.float64]:
    return np.frombuffer(mark, np.uint8).astype(np.float64)


def _larger(box: Box, buffer: float) -> Box:
    right, down = buffer * box.width, buffer * box.height
    return Box(box.left - right, box.top - down, box.right + right, box.bottom + down)


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a.area + b.area - width * height)


def _outside(box: Box, size_hw: tuple[int, int]) -> bool:
    x, y = _centre(box)
    return not (0 <= x <= size_hw[1] and 0 <= y <= size_hw[0])


def _centre(box: Box) -> tuple[float, float]:
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2
