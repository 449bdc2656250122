"""One answer per track: the mean of what its best frames say, as sure as such means are right.

Frames of one face are alike, so several say less than as many faces would. With a correlation of
`alike` between them, `moments` frames say as much as moments / (1 + (moments - 1) * alike) that
have nothing in common (Kish, "Survey Sampling", 1965, the design effect), and the mean of their
logits is multiplied by that: by 1 where they are all the same, by their number where none is like
another. `alike` was measured on photos: of the people of CelebA's validation part with several
photos each, for each model of the package. `studies/pooling.py` measures it and writes
`pooling.json`.

Frames of one moment are more alike than photos of several days, so only those `APART` count as
several. Whether that is enough on real videos is not measured.
"""

import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pilah.answers import logit_of, probability_of
from pilah.models.bundle import BundleInfo
from pilah.video.look import Sighting

MEASURED = Path(__file__).with_name("pooling.json")
"""How alike photos of one person are, for each model of the package, by name and version."""

MOST = 5
"""Frames that are pooled; as many photos of each person were measured."""

APART = 1.0
"""Seconds from which two frames are two moments."""

LARGE = 112.0
"""Pixels of height from which a face is not seen better."""


def best_of(sightings: Sequence[Sighting]) -> list[Sighting]:
    """The sightings that answer for a track, the best first: one of each part of its time."""
    start, seconds = sightings[0].time, _seconds(sightings)
    sharpest = max(sighting.sharpness for sighting in sightings) or 1.0

    def quality(sighting: Sighting) -> float:
        """Large, sharp, upright, and certainly a face: each from 0 to 1."""
        face = sighting.face
        upright = max(0.0, math.cos(math.radians(face.tilt)))
        sharp = sighting.sharpness / sharpest
        return min(face.height, LARGE) / LARGE * sharp * upright * face.detector_score

    parts: dict[int, Sighting] = {}
    for sighting in sightings:
        part = min(MOST - 1, int(MOST * float(sighting.time - start) / (seconds or 1.0)))
        if part not in parts or quality(sighting) > quality(parts[part]):
            parts[part] = sighting
    return sorted(parts.values(), key=quality, reverse=True)


def moments(sightings: Sequence[Sighting]) -> int:
    """How many frames of a track can count as several, at most `MOST`."""
    return min(MOST, len(sightings), 1 + int(_seconds(sightings) / APART))


def pooled(p_male: Sequence[float], moments: int, alike: float) -> float:
    """P(male) of a track.

    Args:
        p_male: what its best sightings say.
        moments: as how many they count.
        alike: how alike such sightings are, 0 to 1.
    """
    logit = logit_of(p_male).mean()
    return float(probability_of(logit * moments / (1 + (moments - 1) * alike)))


def alike_of(info: BundleInfo) -> float:
    """How alike a model finds frames; 1 where it was not measured, so that pooling adds nothing."""
    return _measured().get(f"{info.name} {info.version}", 1.0)


@cache
def _measured() -> dict[str, float]:
    measured: dict[str, float] = json.loads(MEASURED.read_text(encoding="utf-8"))["alike"]
    return measured


def _seconds(sightings: Sequence[Sighting]) -> float:
    return float(sightings[-1].time - sightings[0].time)
