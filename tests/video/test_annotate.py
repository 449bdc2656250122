"""What is written is what a player can show: its sound, its times and its colours."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from pilah.types import Box, Face
from pilah.video.annotate import _Overlay, annotate
from pilah.video.decode import Video
from pilah.video.follow import Track
from pilah.video.look import Sighting
from tests.video.clips import RATE, collins, frames, read, write_clip


def written(path: Path) -> Path:
    made = path.with_name("made.mp4")
    with Video(path) as video:
        annotate(video, [], made)
    assert video.notes == []
    return made


def test_a_box_stays_as_long_as_its_last_picture() -> None:
    times = [Fraction(0), Fraction(4)]
    face = Face(Box(10, 10, 60, 70), "female", 0.1, 1.0)
    sightings = tuple(Sighting(time, face, 0.1, bytes(48), Fraction(4)) for time in times)
    overlay = _Overlay([Track("female", 0.1, sightings, (Fraction(0),), Fraction(8))])
    shown = [bool(overlay.at(Fraction(time))) for time in (0, 2, 4, 6, 7, 8, 9)]
    assert shown == [True, True, True, True, True, False, False]


@pytest.mark.parametrize(
    ("encoder", "rate", "becomes"),
    [("wavpack", 192_000, 96_000), ("wavpack", 44_101, 44_100), ("libmp3lame", 8_000, 8_000)],
)
def test_sound_becomes_aac_at_the_nearest_rate(
    tmp_path: Path, encoder: str, rate: int, becomes: int
) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as made:
        stream, voice = made.add_stream("libx264", rate=RATE), made.add_stream(encoder, rate=rate)
        stream.height, stream.width = frames(0.04)[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for pixels in frames():
            made.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        made.mux(stream.encode())
        silence = np.zeros((1, rate), np.int16)
        sound = av.AudioFrame.from_ndarray(silence, format="s16", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = rate, 0, Fraction(1, rate)
        made.mux([*voice.encode(sound), *voice.encode()])
    with av.open(str(written(path))) as file:
        (heard,) = file.streams.audio
        assert (heard.codec_context.name, heard.codec_context.sample_rate) == ("aac", becomes)
        assert abs(sum(frame.samples for frame in file.decode(heard)) / becomes - 1) < 0.2


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.mov", {"encoder": "png", "pixels": "rgb24"}),
        ("a.mp4", {"encoder": "libx264rgb", "pixels": "rgb24"}),
    ],
)
def test_red_green_and_blue_become_yuv_that_says_so(
    tmp_path: Path, name: str, how: dict[str, Any]
) -> None:
    portrait = np.asarray(collins().resize((160, 184)))
    made = written(write_clip(tmp_path / name, [portrait] * 3, **how))
    with av.open(str(made)) as file:
        frame = next(file.decode(video=0))
        assert (frame.format.name, int(frame.colorspace)) == ("yuv420p", 1)
    assert np.abs(read(made)[1][0].astype(int) - portrait).mean() < 5


@pytest.mark.parametrize("nanoseconds", [1, 1000])
def test_times_finer_than_an_mp4_can_tell(tmp_path: Path, nanoseconds: int) -> None:
    path = write_clip(tmp_path / "a.mkv", frames(), sound="libopus")
    raw = bytearray(path.read_bytes())
    at = raw.index(bytes.fromhex("2ad7b1")) + 4  # nanoseconds that times are multiples of
    raw[at : at + 3] = nanoseconds.to_bytes(3)
    path.write_bytes(raw)
    made = tmp_path / "made.mp4"
    with Video(path) as video:
        annotate(video, [], made)
    assert len(read(made)[0]) == RATE
    assert all("sound" in note for note in video.notes)
