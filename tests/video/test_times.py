"""Times go on where a file was joined or is damaged, and are the file's own where it is whole."""

import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from pilah.video.annotate import annotate
from pilah.video.decode import Video
from tests.video.clips import RATE, THOUSANDTH, frames, read, write_clip

TICK = Fraction(1, RATE)


def steps(times: list[Fraction]) -> set[Fraction]:
    return {round((b - a) * RATE) * TICK for a, b in pairwise(times)}


def wrong_time(path: Path, number: int) -> None:
    """Let one of the times of an MPEG file's pictures be hours later."""
    raw = bytearray(path.read_bytes())
    said = [at.end() for at in re.finditer(rb"\x00\x00\x01\xe0...[\x80-\xff].", raw, re.DOTALL)]
    raw[said[number]] |= 0b100
    path.write_bytes(raw)


def long_last(path: Path, seconds: int) -> Path:
    """Three frames, one second apart, of which the last is shown for so long."""
    with av.open(str(path), "w") as made:
        stream = made.add_stream("libx264", rate=RATE, options={"tune": "zerolatency"})
        stream.height, stream.width = frames(0.04)[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = THOUSANDTH
        for number, pixels in enumerate(frames(0.12)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number * 1000, THOUSANDTH
            for packet in stream.encode(frame):
                packet.duration = 1000 * (seconds if number == 2 else 1)
                made.mux(packet)
        made.mux(stream.encode())
    return path


def drawn(path: Path, to: Path) -> tuple[list[str], dict[str, list[Fraction]], Fraction]:
    """Annotate a video; its notes, the times of what was written, by kind, and how long it is."""
    with Video(path) as video:
        annotate(video, [], to)
    times: dict[str, list[Fraction]] = {}
    with av.open(str(to)) as made:
        for packet in made.demux():
            if packet.pts is not None:
                times.setdefault(packet.stream.type, []).append(packet.pts * packet.time_base)
        return video.notes, times, Fraction(made.duration, av.time_base)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.ts", {"sound": "aac"}),
        ("a.mpg", {"sound": "mp2", "encoder": "mpeg2video"}),
        ("a.mkv", {"sound": "wavpack"}),
    ],
)
def test_joined_files_go_on_with_their_sound(
    tmp_path: Path, name: str, how: dict[str, Any]
) -> None:
    one = write_clip(tmp_path / name, frames(2), **how)
    both = tmp_path / f"both{one.suffix}"
    both.write_bytes(one.read_bytes() * 2)
    times, _, notes = read(both)
    assert len(times) == 4 * RATE and steps(times) == {TICK} and notes == []
    notes, written, _ = drawn(both, tmp_path / "made.mp4")
    assert notes == [] and len(written["video"]) == 4 * RATE
    pauses = np.diff(np.array(written["audio"], float))
    assert pauses.max() < 0.05 and abs(written["audio"][-1] - 4) < 0.1


@pytest.mark.parametrize(
    ("name", "encoder", "number", "second"),
    [
        ("a.ts", "libx264", 25, 1.0),
        ("a.vob", "mpeg2video", 3, 0.5),  # which says the time of one frame in nine
    ],
)
def test_one_wrong_time_is_put_right_and_noted(
    tmp_path: Path, name: str, encoder: str, number: int, second: float
) -> None:
    path = write_clip(tmp_path / name, frames(2), encoder=encoder)
    wrong_time(path, number)
    times, _, notes = read(path)
    assert len(times) == 2 * RATE and steps(times) == {TICK}
    assert notes == [f"times jump, first at {second} s"]


def test_a_gap_of_an_hour_is_the_files_own(tmp_path: Path) -> None:
    wanted = [Fraction(second) for second in (0, 1, 3601, 3602, 9000)]
    path = write_clip(tmp_path / "a.mp4", frames()[: len(wanted)], times=wanted)
    times, _, notes = read(path)
    assert (times, notes) == (wanted, [])


def test_frames_that_avi_stores_in_another_order(tmp_path: Path) -> None:
    reordered = {"preset": "medium", "bf": "3"}
    path = write_clip(tmp_path / "a.avi", frames(2), options=reordered)
    times, pixels, notes = read(path)
    assert times == [number * TICK for number in range(2 * RATE)] and notes == []
    for a, b in zip(pixels, frames(2), strict=True):
        assert np.abs(a.astype(int) - b).mean() < 12


@pytest.mark.parametrize("name", ["a.mkv", "a.flv", "a.mp4"])
def test_sound_after_the_last_picture_is_no_damage(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with av.open(str(path), "w") as made:
        stream, voice = made.add_stream("libx264", rate=RATE), made.add_stream("aac", rate=44_100)
        stream.height, stream.width = frames(0.04)[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for number in range(2 * RATE):
            frame = av.VideoFrame.from_ndarray(frames(0.04)[0], format="rgb24")
            frame.pts, frame.time_base = number, TICK
            made.mux(stream.encode(frame))
        made.mux(stream.encode())
        silence = np.zeros((1, 5 * 44_100), np.int16)
        sound = av.AudioFrame.from_ndarray(silence, format="s16", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = 44_100, 0, Fraction(1, 44_100)
        made.mux([*voice.encode(sound), *voice.encode()])
    assert read(path)[2] == []


def test_matroska_that_begins_late_is_whole(tmp_path: Path) -> None:
    late = [10 + number * TICK for number in range(RATE)]
    times, _, notes = read(write_clip(tmp_path / "late.mkv", frames(), times=late))
    assert (times[0], notes) == (0, [])


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_a_long_last_frame_is_as_long_in_what_is_written(tmp_path: Path, name: str) -> None:
    path = long_last(tmp_path / name, 8)
    notes, written, whole = drawn(path, tmp_path / "made.mp4")
    assert notes == [] and written["video"] == [0, 1, 2] and whole == 10
