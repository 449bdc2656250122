"""Faces that are known to be in a clip become tracks: how many, when, and of which label."""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from pilah import Pilah
from pilah.types import Box, Face
from pilah.video.follow import Track
from pilah.video.look import Look, Sighting
from pilah.video.tracks import paths_of
from tests.video.clips import (
    RATE,
    Actor,
    between,
    collins,
    hopper,
    moving,
    pictures,
    still_at,
    turned,
    write_clip,
)

FIFTH = Fraction(1, 5)
WALL = Image.new("RGB", (80, 300), (90, 90, 90))
LEFT, RIGHT = (100, 180, 200), (540, 180, 200)

Wanted = list[tuple[str, float, float]]
"""Label, the first and the last moment of each face."""


def followed(model: Pilah, path: Path, every: Fraction = FIFTH) -> list[Track]:
    return sorted(model.follow(path, every=every), key=lambda track: (track.start, track.label))


def check(tracks: Sequence[Track], wanted: Wanted, within: Fraction) -> None:
    assert [track.label for track in tracks] == [label for label, _, _ in wanted]
    for track, (_, start, end) in zip(tracks, wanted, strict=True):
        assert abs(track.start - Fraction(str(start))) <= within
        assert abs(track.end - Fraction(str(end))) <= within


CASES: dict[str, tuple[list[Actor], float, Wanted]] = {
    "panning": ([Actor(collins(), moving(LEFT, RIGHT, 3))], 3, [("female", 0, 3)]),
    "a quick pan": (
        [Actor(collins(), moving((60, 180, 200), (580, 180, 200), 1.2))],
        1.2,
        [("female", 0, 1.2)],
    ),
    "zooming": (
        [Actor(hopper(), moving((320, 180, 110), (320, 180, 340), 3))],
        3,
        [("male", 0, 3)],
    ),
    "crossing": (
        [Actor(collins(), moving(LEFT, RIGHT, 3)), Actor(hopper(), moving(RIGHT, LEFT, 3))],
        3,
        [("female", 0, 3), ("male", 0, 3)],
    ),
    "hidden for a moment": (
        [
            Actor(collins(), still_at(320, 180, 200)),
            Actor(WALL, moving((0, 180, 330), (640, 180, 330), 2)),
        ],
        2,
        [("female", 0, 2)],
    ),
    "leaving and returning": (
        [Actor(hopper(), lambda time: (320, 180, 200) if time < 1 or time >= 2.6 else None)],
        3.6,
        [("male", 0, 1), ("male", 2.6, 3.6)],
    ),
    "a cut": (
        [
            Actor(collins(), between(0, 1.5, still_at(200, 180, 200))),
            Actor(hopper(), between(1.5, 3, still_at(450, 180, 200))),
        ],
        3,
        [("female", 0, 1.5), ("male", 1.5, 3)],
    ),
    "another face in the same place": (
        [
            Actor(collins(), between(0, 1.5, still_at(320, 180, 200))),
            Actor(hopper(), between(1.5, 3, still_at(320, 180, 200))),
        ],
        3,
        [("female", 0, 1.5), ("male", 1.5, 3)],
    ),
    "someone appears beside": (
        [
            Actor(collins(), still_at(160, 180, 200)),
            Actor(hopper(), between(1, 2, still_at(480, 180, 200))),
        ],
        2,
        [("female", 0, 2), ("male", 1, 2)],
    ),
    "three at once": (
        [
            Actor(collins(), still_at(110, 180, 160)),
            Actor(hopper(), still_at(320, 180, 160)),
            Actor(ImageOps.mirror(collins()), between(0.6, 1.8, still_at(530, 180, 160))),
        ],
        2.4,
        [("female", 0, 2.4), ("male", 0, 2.4), ("female", 0.6, 1.8)],
    ),
    "nobody": ([], 1, []),
}


@pytest.mark.parametrize("name", CASES)
def test_tracks_are_the_faces_that_are_there(model: Pilah, tmp_path: Path, name: str) -> None:
    actors, seconds, wanted = CASES[name]
    path = write_clip(tmp_path / "clip.mp4", pictures(actors, seconds))
    check(followed(model, path), wanted, within=FIFTH)


def four_people(rate: int, light: float = 1.0) -> Iterable[NDArray[np.uint8]]:
    """One in the place of the other before one wall, each for 0.6 s."""
    portraits = [collins(), hopper(), ImageOps.mirror(collins()), ImageOps.mirror(hopper())]
    actors = [
        Actor(portrait, between(number * 0.6, number * 0.6 + 0.6, still_at(320, 180, 200)))
        for number, portrait in enumerate(portraits)
    ]
    return ((frame * light).astype(np.uint8) for frame in pictures(actors, 2.4, rate=rate))


@pytest.mark.parametrize(("rate", "light"), [(25, 1), (10, 1), (5, 1), (25, 0.2)])
def test_cuts_that_follow_quickly(model: Pilah, tmp_path: Path, rate: int, light: float) -> None:
    path = write_clip(tmp_path / "clip.mp4", four_people(rate, light), rate=rate)
    tracks = followed(model, path)
    wanted = [(Fraction(3 * n, 5), Fraction(3 * n + 2, 5)) for n in range(4)]
    assert [(track.start, track.end) for track in tracks] == wanted


@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("seconds", [0.04, 0.24])
def test_a_flash_is_no_cut(model: Pilah, tmp_path: Path, level: int, seconds: float) -> None:
    frames = [
        np.full_like(frame, level) if 1 <= number / RATE < 1 + seconds else frame
        for number, frame in enumerate(pictures([Actor(hopper(), still_at(320, 180, 200))], 2))
    ]
    (track,) = followed(model, write_clip(tmp_path / "clip.mp4", frames))
    assert (track.start, track.end) == (0, Fraction(9, 5))


def test_a_flash_between_two_people_is_one(model: Pilah, tmp_path: Path) -> None:
    actors, seconds, wanted = CASES["another face in the same place"]
    frames = [
        np.full_like(frame, 255) if 1.44 <= number / RATE < 1.56 else frame
        for number, frame in enumerate(pictures(actors, seconds))
    ]
    check(followed(model, write_clip(tmp_path / "clip.mp4", frames)), wanted, within=FIFTH)


@pytest.mark.parametrize("seconds", [0.4, 1.0])
def test_one_face_that_dissolves_into_another_is_two_tracks(
    model: Pilah, tmp_path: Path, seconds: float
) -> None:
    first = pictures([Actor(hopper(), still_at(320, 180, 200))], 4)
    then = pictures([Actor(collins(), still_at(320, 186, 280))], 4)
    frames = []
    for number, (a, b) in enumerate(zip(first, then, strict=True)):
        share = min(1.0, max(0.0, 0.5 + (number / RATE - 2) / seconds))
        frames.append(((1 - share) * a + share * b).astype(np.uint8))
    tracks = followed(model, write_clip(tmp_path / "clip.mp4", frames))
    half = Fraction(str(seconds / 2)) + FIFTH
    check(tracks, [("male", 0, 2), ("female", 2, 4)], within=half)


def test_a_light_that_is_switched_off_is_no_cut(model: Pilah, tmp_path: Path) -> None:
    frames = [
        frame // 2 if number >= RATE else frame
        for number, frame in enumerate(pictures([Actor(hopper(), still_at(320, 180, 200))], 2))
    ]
    (track,) = followed(model, write_clip(tmp_path / "clip.mp4", frames))
    assert (track.start, track.end) == (0, Fraction(9, 5))


@pytest.mark.parametrize("rate", [25, 10])
def test_a_camera_that_shakes_before_a_patterned_wall(
    model: Pilah, tmp_path: Path, rate: int
) -> None:
    pattern = np.random.default_rng(0).integers(0, 255, (45, 80, 3), dtype=np.uint8)
    wall = Image.fromarray(pattern).resize((800, 450), Image.Resampling.BICUBIC)
    face = hopper().resize((200, 229))
    wall.paste(face, (300, 110))
    corners = [
        (80 + round(25 * math.sin(19 * time)), 45 + round(20 * math.cos(23 * time)))
        for time in (number / rate for number in range(2 * rate))
    ]
    frames = [np.asarray(wall.crop((x, y, x + 640, y + 360))) for x, y in corners]
    (track,) = followed(model, write_clip(tmp_path / "clip.mp4", frames, rate=rate))
    assert (track.start, track.end) == (0, Fraction(9, 5))


def test_who_crosses_another_goes_on(model: Pilah, tmp_path: Path) -> None:
    actors, seconds, _ = CASES["crossing"]
    path = write_clip(tmp_path / "clip.mp4", pictures(actors, seconds))
    female, male = followed(model, path)
    assert female.sightings[0].face.box.right < 320 < female.sightings[-1].face.box.left
    assert male.sightings[-1].face.box.right < 320 < male.sightings[0].face.box.left


def test_times_are_right_within_a_frame(model: Pilah, tmp_path: Path) -> None:
    """Every frame is looked at: a cut, a face that leaves, and one that returns."""
    actors = [
        Actor(hopper(), between(0.2, 0.6, still_at(200, 180, 240))),
        Actor(collins(), between(0.6, 1.0, still_at(420, 180, 240))),
        Actor(hopper(), between(2.2, 2.4, still_at(200, 180, 240))),
    ]
    frame = Fraction(1, RATE)
    path = write_clip(tmp_path / "clip.mp4", pictures(actors, 2.6))
    wanted = [("male", 0.2, 0.56), ("female", 0.6, 0.96), ("male", 2.2, 2.36)]
    tracks = followed(model, path, frame)
    check(tracks, wanted, within=frame)
    assert [round(track.on_screen / frame) for track in tracks] == [10, 10, 5]


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_video_that_was_held_otherwise(model: Pilah, tmp_path: Path, rotation: int) -> None:
    upright = list(pictures([Actor(hopper(), moving(LEFT, RIGHT, 1))], 1))
    path = write_clip(tmp_path / "a.mp4", turned(upright, rotation), rotation=rotation)
    (track,) = followed(model, path)
    assert track.label == "male"
    assert track.sightings[0].face.box.right < 320 < track.sightings[-1].face.box.left
    assert all(abs(seen.face.tilt) < 20 for seen in track.sightings)


def test_uneven_times(model: Pilah, tmp_path: Path) -> None:
    """A recording of a screen: a frame only where something changes."""
    shown = [hopper(), hopper(), None, None, hopper()]
    times = [Fraction(ms, 1000) for ms in (0, 300, 700, 4000, 6500)]
    frames = [
        next(iter(pictures([Actor(face, still_at(320, 180, 240))] if face else [], 1)))
        for face in shown
    ]
    path = write_clip(tmp_path / "a.mkv", frames, times=times, options={"bf": "0"})
    first, second = followed(model, path)
    assert (first.start, first.end, second.start) == (0, Fraction(3, 10), Fraction(13, 2))
    assert first.on_screen == Fraction(7, 10)  # each frame is shown until the next


def test_a_damaged_video_gives_the_tracks_of_what_can_be_read(
    model: Pilah, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = pictures([Actor(hopper(), moving(LEFT, RIGHT, 4))], 4)
    path = write_clip(tmp_path / "a.mp4", frames, muxing={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (track,) = followed(model, path)
    assert track.label == "male" and 0 < track.end < 4
    assert "cut off" in caplog.text


def test_people_with_known_labels(model: Pilah, tmp_path: Path, shared: Path) -> None:
    """Ten portraits, shown one after the other, each panned or zoomed."""
    folder = shared / "data" / "portraits"
    with (folder / "portraits.csv").open() as file:
        rows = list(csv.DictReader(file))
    chosen = [*rows[:200:40], *rows[-200::40]]
    actors = []
    for number, row in enumerate(chosen):
        portrait = Image.open(folder / row["file"]).convert("RGB")
        portrait.thumbnail((360, 360))
        start, end = (280, 180, 300), ((360, 180, 300) if number % 2 else (280, 180, 350))
        walk = moving(start, end, 1)
        shown = between(number, number + 1, lambda time, walk=walk: walk(time % 1))
        actors.append(Actor(portrait, shown))
    frames = pictures(actors, len(actors), hue=lambda time: int(time) % 3)
    tracks = followed(model, write_clip(tmp_path / "a.mp4", frames))
    assert [round(float(track.start)) for track in tracks] == list(range(len(actors)))
    answers = [track.label for track in tracks]
    right = sum(label == row["gender"] for label, row in zip(answers, chosen, strict=True))
    assert right >= 8


def seen(time: Fraction, *faces: tuple[float, float, float]) -> Look:
    """A look at faces given by their left edge, width and score, all 100 high."""
    return Look(
        time,
        (1000, 1000),
        "none",
        tuple(
            Sighting(
                time,
                Face(Box(left, 100, left + width, 200), None, 0.5, score),
                *(0.1, bytes(48), FIFTH),
            )
            for left, width, score in faces
        ),
    )


def test_a_mistake_of_the_detector_is_no_track() -> None:
    looks = [seen(FIFTH * number) for number in range(10)]
    looks[3] = seen(looks[3].time, (400, 80, 0.75))
    assert list(paths_of(looks, FIFTH)) == []
    looks[3] = seen(looks[3].time, (400, 80, 0.95))
    (path,) = paths_of(looks, FIFTH)
    assert path.on_screen == FIFTH


def test_a_jump_ends_the_tracks_of_those_who_look_another() -> None:
    looks = [seen(FIFTH * number, (400, 80, 0.95)) for number in range(10)]
    looks[4] = replace(looks[4], change="jump")
    assert [len(path.sightings) for path in paths_of(looks, FIFTH)] == [10]
    other = bytes(range(48))
    looks[4:] = [
        replace(look, sightings=(replace(look.sightings[0], mark=other),)) for look in looks[4:]
    ]
    assert [len(path.sightings) for path in paths_of(looks, FIFTH)] == [4, 6]
    looks[4] = replace(looks[4], sightings=())  # nor is it forgotten by the next look
    assert [len(path.sightings) for path in paths_of(looks, FIFTH)] == [4, 5]


def test_a_cut_ends_tracks_unless_the_picture_comes_back() -> None:
    looks = [seen(FIFTH * n, (400, 80, 0.95)) for n in range(10)]
    looks[4] = replace(looks[4], change="cut")
    assert [len(path.sightings) for path in paths_of(looks, FIFTH)] == [4, 6]
    looks[5] = replace(looks[5], change="back")  # a face in the flash is another
    assert sorted(len(path.sightings) for path in paths_of(looks, FIFTH)) == [1, 9]
    looks[4] = replace(looks[4], sightings=())
    assert [len(path.sightings) for path in paths_of(looks, FIFTH)] == [9]


def test_a_face_in_a_picture_that_stays_is_one_track() -> None:
    two = Fraction(2)
    looks = []
    for number in range(6):
        look = seen(two * number, (400, 80, 0.95))
        looks.append(replace(look, sightings=(replace(look.sightings[0], lasts=two),)))
    (path,) = paths_of(looks, FIFTH)
    assert path.on_screen == 12


@pytest.mark.parametrize(("gap", "number"), [(4, 1), (6, 2)])
def test_a_face_is_awaited_for_a_second(gap: int, number: int) -> None:
    looks: list[Any] = [seen(FIFTH * n, (400, 80, 0.95)) for n in range(5)]
    looks += [seen(FIFTH * (5 + n)) for n in range(gap)]
    looks += [seen(FIFTH * (5 + gap + n), (400, 80, 0.95)) for n in range(5)]
    assert len(list(paths_of(looks, FIFTH))) == number


def test_a_face_that_stops_at_the_edge_goes_on_and_one_that_left_does_not() -> None:
    lefts = [300, 150, 0, -30, -30, -30]
    looks = [seen(FIFTH * n, (left, 80, 0.95)) for n, left in enumerate(lefts)]
    assert len(list(paths_of(looks, FIFTH))) == 1
    out = [*looks[:3], seen(FIFTH * 3), seen(FIFTH * 4, (0, 80, 0.95))]
    assert len(list(paths_of(out, FIFTH))) == 2
