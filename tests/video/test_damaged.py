"""What is damaged is left out and noted, and the rest is written."""

import errno
import re
from pathlib import Path

import av
import numpy as np
import pytest

from pilah.video.annotate import annotate
from pilah.video.decode import Video
from tests.video.clips import RATE, SMALL_HW, frames, read, write_clip

PACKET = 188
INTERLACED = {"flags": "+ildct+ilme", "x264-params": "tff=1"}


def heard(path: Path) -> int:
    """Packets of sound."""
    with av.open(str(path)) as made:
        return sum(1 for packet in made.demux(audio=0) if packet.size)


def test_damaged_sound_is_left_out_and_noted(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.ts", frames(2), sound="aac")
    raw = bytearray(path.read_bytes())
    sound = [
        at
        for at in range(0, len(raw), PACKET)
        if int.from_bytes(raw[at + 1 : at + 3]) & 0x1FFF == 0x100
    ]
    for at in sound[20:60]:
        raw[at + 4 : at + PACKET] = bytes(PACKET - 4)
    path.write_bytes(raw)
    made = tmp_path / "made.mp4"
    with Video(path) as video:
        annotate(video, [], made)
    assert len(video.notes) == 1 and "of sound left out" in video.notes[0]
    assert len(read(made)[0]) == 2 * RATE and 50 < heard(made) < 90


def earlier(said: bytes, ticks: int) -> bytes:
    """A time as MPEG-TS writes it, that much earlier."""
    a, b, c = said[0], int.from_bytes(said[1:3]), int.from_bytes(said[3:5])
    time = ((a & 0b1110) << 29 | b >> 1 << 15 | c >> 1) - ticks
    high, middle, low = time >> 30, time >> 15 & 0x7FFF, time & 0x7FFF
    rest = (middle << 1 | 1).to_bytes(2) + (low << 1 | 1).to_bytes(2)
    return bytes([a & 0xF0 | high << 1 | 1]) + rest


def test_sound_that_jumps_where_pictures_do_not_is_left_out(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.ts", frames(4), sound="aac")
    raw = bytearray(path.read_bytes())
    said = [at.end() for at in re.finditer(rb"\x00\x00\x01\xc0...[\x80-\xff].", raw, re.DOTALL)]
    for at in said[len(said) // 2 :]:
        raw[at : at + 5] = earlier(raw[at : at + 5], 90_000)
    path.write_bytes(raw)
    made = tmp_path / "made.mp4"
    with Video(path) as video:
        annotate(video, [], made)
    assert video.notes == ["sound after a jump of its times left out"]
    assert len(read(made)[0]) == 4 * RATE and 50 < heard(made) < 120


@pytest.mark.parametrize(
    ("size_hw", "pixels"), [((192, 320), "yuv420p"), (SMALL_HW, "yuv422p10le")]
)
def test_interlaced_frames_whose_kind_changes(
    tmp_path: Path, size_hw: tuple[int, int], pixels: str
) -> None:
    one = write_clip(tmp_path / "a.h264", frames(0.4), options=INTERLACED)
    scale = size_hw[0] // SMALL_HW[0]
    same = [frame.repeat(scale, axis=0).repeat(scale, axis=1) for frame in frames(0.4)]
    other = write_clip(tmp_path / "b.h264", same, options=INTERLACED, pixels=pixels)
    both = tmp_path / "both.h264"
    both.write_bytes(one.read_bytes() + other.read_bytes() + one.read_bytes())
    times, seen, notes = read(both)
    assert len(times) == 30 and notes == []
    for a, b in zip(seen, frames(0.4) * 3, strict=True):
        assert np.abs(a.astype(int) - b).mean() < 12


def test_a_stream_that_appears_late(tmp_path: Path) -> None:
    """Between what FFmpeg reads at first and at last."""
    noise = np.random.default_rng(1)
    dense = [noise.integers(0, 256, (*SMALL_HW, 3), np.uint8) for _ in range(100)]
    parts = [
        write_clip(tmp_path / "a.ts", frames(10)),
        write_clip(tmp_path / "b.ts", frames(0.2), muxing={"mpegts_start_pid": "400"}),
        write_clip(tmp_path / "c.ts", dense),
    ]
    path = tmp_path / "all.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert len(read(path)[0]) == 350


def test_only_the_disk_is_said_to_be_full(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", frames())
    with Video(path) as video, pytest.raises(OSError) as raised:
        annotate(video, [], Path("/dev/full"))
    assert raised.value.errno == errno.ENOSPC
