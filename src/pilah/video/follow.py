"""The faces of a video, followed: one `Track` for each, with one answer."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real
from pathlib import Path

from pilah.answers import label_of
from pilah.errors import VideoError
from pilah.models.bundle import BundleInfo
from pilah.types import Label
from pilah.video.cuts import spaced
from pilah.video.decode import Video
from pilah.video.look import AnswersOf, Look, Sighting, look_at
from pilah.video.pooling import alike_of, best_of, moments, pooled
from pilah.video.tracks import paths_of
from pilah.wording import shown

EVERY = Fraction(1, 5)
"""Seconds between two looks, where nothing else is asked for."""

DAY = 86_400

LOG = logging.getLogger("pilah")


@dataclass(frozen=True, slots=True)
class Track:
    """A face that was followed from its first sighting to its last; not a person.

    Someone who leaves the picture and returns, or is shown again after a cut, is another track.
    `label` is None where the answer is unsure; `p_male` is the calibrated probability of the label
    `male`, pooled over the sightings at the times `pooled`, of which the first is the best. Times
    are seconds from the start of the file, exact. `on_screen` is how many seconds the face was
    seen, each sighting until the next look or the end of the video.
    """

    label: Label | None
    p_male: float
    sightings: tuple[Sighting, ...]
    pooled: tuple[Fraction, ...]
    on_screen: Fraction

    @property
    def start(self) -> Fraction:
        """When it is first seen."""
        return self.sightings[0].time

    @property
    def end(self) -> Fraction:
        """When it is last seen."""
        return self.sightings[-1].time

    @property
    def best(self) -> Fraction:
        """When it is seen best: large, sharp, upright."""
        return self.pooled[0]


@dataclass(frozen=True, slots=True)
class Following:
    """How a video is followed.

    `every` is the seconds between two looks. `alike` is that of `pooling.py`, and
    `min_confidence` is the confidence below which a track is unsure.
    """

    every: Fraction
    alike: float
    min_confidence: float

    @classmethod
    def of(
        cls, info: BundleInfo, min_confidence: float, every: float | Fraction = EVERY
    ) -> "Following":
        """How a video is followed by a model.

        Raises:
            VideoError: `every` is no number above 0, or more than a day.
        """
        is_number = isinstance(every, Real) and not isinstance(every, bool)
        if not is_number or not 0 < every <= DAY:
            raise VideoError(
                f"{every} seconds between two looks; give more than 0 and at most a day, such as "
                "0.2"
            )
        # as it is written: 0.2 is no binary fraction, and the frame at 1/5 s is meant
        return cls(Fraction(str(every)), alike_of(info), min_confidence)


def follow(path: Path, answers_of: AnswersOf, following: Following) -> Iterator[Track]:
    """Follow the faces of a video; give each track as soon as it has ended.

    Raises:
        VideoError: nothing can be read of it.
    """
    with Video(path) as video:
        stills = spaced(video.stills(), following.every)
        yield from tracks_of(look_at(stills, answers_of), following)
        for note in video.notes:
            LOG.warning("pilah: %s: %s", shown(path), note)


def tracks_of(looks: Iterable[Look], following: Following) -> Iterator[Track]:
    """Give each track as soon as it has ended.

    Args:
        looks: in the order of their times.
        following: how.
    """
    for path in paths_of(looks, following.every):
        best = best_of(path.sightings)
        p_male = pooled(
            [sighting.face.p_male for sighting in best], moments(path.sightings), following.alike
        )
        yield Track(
            label_of(p_male, following.min_confidence),
            p_male,
            tuple(path.sightings),
            tuple(sighting.time for sighting in best),
            path.on_screen,
        )
