"""One answer of several frames: their mean, and no surer than such means are."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilah.models import model_names, model_path
from pilah.models.bundle import open_bundle
from pilah.types import Box, Face
from pilah.video.look import Sighting
from pilah.video.pooling import MOST, alike_of, best_of, moments, pooled

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=MOST)


def sighting(time: float, *, p_male: float = 0.5, height: float = 100, tilt: float = 0) -> Sighting:
    face = Face(Box(0, 0, height, height), None, p_male, 0.9, tilt)
    return Sighting(Fraction(str(time)), face, 0.1, bytes(48), Fraction(1, 5))


def test_frames_of_one_moment_say_no_more_than_one() -> None:
    assert pooled([0.8] * 5, 1, 0.3) == pytest.approx(0.8)
    assert pooled([0.8] * 5, 5, 1.0) == pytest.approx(0.8)
    assert moments([sighting(number / 5) for number in range(5)]) == 1
    assert moments([sighting(number) for number in range(3)]) == 3
    assert moments([sighting(number) for number in range(60)]) == MOST
    assert moments([sighting(0), sighting(60)]) == 2


def test_several_moments_say_more_but_not_as_much_as_if_they_were_not_alike() -> None:
    once, alike, unlike = (pooled([0.8] * 4, 4, how) for how in (1.0, 0.35, 0.0))
    assert once == pytest.approx(0.8) and once < alike < unlike
    assert unlike == pytest.approx(0.8**4 / (0.8**4 + 0.2**4))


def test_frames_that_contradict_each_other_are_unsure() -> None:
    assert pooled([0.99, 0.01], 2, 0.3) == pytest.approx(0.5)


@given(PROBABILITIES, st.integers(1, MOST), st.floats(0, 1))
def test_women_and_men_are_treated_alike(p_male: list[float], count: int, alike: float) -> None:
    other = pooled([1 - p for p in p_male], count, alike)
    assert pooled(p_male, count, alike) == pytest.approx(1 - other)
    assert 0 <= other <= 1


def test_the_best_frames_are_large_sharp_upright_and_apart_in_time() -> None:
    track = [sighting(number / 10) for number in range(50)]
    track[13] = replace(track[13], sharpness=0.4)
    track[21] = sighting(2.1, height=300)
    track[22] = sighting(2.2, height=110, tilt=60)
    track[47] = sighting(4.7, height=30)
    best = best_of(track)
    assert best[0] is track[13]
    assert {int(seen.time) for seen in best} == {0, 1, 2, 3, 4}
    assert track[21] in best and track[22] not in best and track[47] not in best
    assert best_of(track[:1]) == track[:1]


@pytest.mark.parametrize("name", model_names())
def test_each_model_of_the_package_is_measured(name: str) -> None:
    """After a model has changed: `python studies/pooling.py`, whose docstring says with what."""
    assert 0 < alike_of(open_bundle(model_path(name)).info) < 1


def test_of_another_model_several_frames_say_no_more_than_one(tiny_bundle: Path) -> None:
    assert alike_of(open_bundle(tiny_bundle).info) == 1
