"""Cuts are seen in the dark; a camera that moves and a light that goes on are none."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from pilah.video.cuts import Change, spaced
from pilah.video.decode import Video
from tests.video.clips import RATE, write_clip

SIZE_HW = (96, 160)
COFFEE = skimage.data.coffee()
ROCKET = skimage.data.rocket()


def part(photo: np.ndarray, left: float, *, light: float = 1.0) -> np.ndarray:
    """What a camera that looks at a photo sees: a part of it that begins at `left` pixels."""
    small = Image.fromarray(photo[: SIZE_HW[0] * 3, round(left) :][:, : SIZE_HW[1] * 3])
    pixels = np.asarray(small.resize(SIZE_HW[::-1], Image.Resampling.BOX)) * light
    return pixels.astype(np.uint8)


def framed(change: Callable[[float], np.ndarray], seconds: float) -> list[np.ndarray]:
    return [change(number / RATE) for number in range(round(seconds * RATE))]


def shown(time: float) -> np.ndarray:
    pixels = part(COFFEE, 20).copy()
    if time >= 1:
        pixels[20:76, 40:120] = 240  # a title
    return pixels


NOISE = np.random.default_rng(0).integers(0, 255, (60, 200, 3), dtype=np.uint8)
WALL = np.full((*SIZE_HW, 3), (90, 110, 100), np.uint8)


def beside(wall: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """A part of a photo, as large as a face, before a wall."""
    pixels = wall.copy()
    small = Image.fromarray(photo[100:300, 150:350]).resize((20, 20), Image.Resampling.BOX)
    pixels[40:60, 60:80] = np.asarray(small)
    return pixels


CASES: dict[str, tuple[list[np.ndarray], list[tuple[float, Change]]]] = {
    "a cut": (framed(lambda t: part(COFFEE if t < 1 else ROCKET, 20), 2), [(1, "cut")]),
    "a cut in the dark": (
        framed(lambda t: part(COFFEE if t < 1 else ROCKET, 20, light=0.15), 2),
        [(1, "cut")],
    ),
    "a quick pan": (framed(lambda t: part(COFFEE, 20 + 100 * t), 1), []),
    "a fade": (framed(lambda t: part(COFFEE, 20, light=max(0.02, 1 - t / 2)), 2), []),
    "a title appears": (framed(shown, 2), [(1, "jump")]),
    "another face, and it is small": (
        framed(lambda t: beside(WALL, ROCKET if t < 1 else COFFEE), 2),
        [(1, "jump")],
    ),
}


@pytest.mark.parametrize("every", [Fraction(1, RATE), Fraction(1, 5)])
@pytest.mark.parametrize("name", CASES)
def test_changes_are_those_that_were_made(tmp_path: Path, name: str, every: Fraction) -> None:
    frames, wanted = CASES[name]
    path = write_clip(tmp_path / "clip.mp4", frames)
    with Video(path) as video:
        looks = [(still.time, change) for still, change in spaced(video.stills(), every)]
    assert [(time, change) for time, change in looks if change != "none"] == wanted
    times = [time for time, _ in looks]
    assert times == [number * every for number in range(len(times))]


def test_a_cut_between_two_looks_is_not_lost(tmp_path: Path) -> None:
    frames = framed(lambda t: part(ROCKET if 1.04 <= t < 1.16 else COFFEE, 20), 2)
    with Video(write_clip(tmp_path / "clip.mp4", frames)) as video:
        looks = [(still.time, change) for still, change in spaced(video.stills(), Fraction(1, 5))]
    assert [look for look in looks if look[1] != "none"] == [(Fraction(6, 5), "cut")]


@pytest.mark.parametrize("rate", [25, 10, 5])
def test_cuts_before_one_wall_that_follow_quickly_are_all_seen(tmp_path: Path, rate: int) -> None:
    faces = [beside(WALL, COFFEE), beside(WALL, ROCKET)]
    length = Fraction(2, 5)
    frames = [faces[int(Fraction(number, rate) / length) % 2] for number in range(2 * rate)]
    with Video(write_clip(tmp_path / "clip.mp4", frames, rate=rate)) as video:
        looks = [(still.time, change) for still, change in spaced(video.stills(), Fraction(1, 5))]
    wanted = [(number * length, "jump") for number in range(1, 5)]
    assert [look for look in looks if look[1] != "none"] == wanted


@pytest.mark.parametrize("rate", [25, 10])
def test_a_camera_that_turns_before_a_patterned_wall_makes_no_cuts(
    tmp_path: Path, rate: int
) -> None:
    wall = Image.fromarray(NOISE).resize((800, 240), Image.Resampling.BICUBIC)
    frames = [
        np.asarray(wall.crop((left, 20, left + SIZE_HW[1], 20 + SIZE_HW[0])))
        for left in (round(100 * number / rate) for number in range(3 * rate))
    ]
    with Video(write_clip(tmp_path / "clip.mp4", frames, rate=rate)) as video:
        changes = [change for _, change in spaced(video.stills(), Fraction(1, rate))]
    assert "cut" not in changes
