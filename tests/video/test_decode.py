"""Frames come upright, with the times at which they are shown, from whatever can be read."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pilah.errors import VideoError
from pilah.video.decode import MAX_PIXELS, Video
from tests.video.clips import RATE, SMALL_HW, collins, frames, read, turned, write_clip

ROOT = Path(__file__).parent.parent.parent


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(int) - b).mean())


@pytest.mark.parametrize(
    ("name", "encoder"),
    [
        *(("a.mp4", "libx264"), ("a.mkv", "libx265"), ("a.webm", "libvpx-vp9")),
        *(("a.avi", "mpeg4"), ("a.ts", "libx264"), ("a.mpg", "mpeg2video"), ("a.flv", "flv")),
    ],
)
def test_times_are_exact_and_from_the_start(tmp_path: Path, name: str, encoder: str) -> None:
    quiet = {"x265-params": "log-level=none"} if encoder == "libx265" else {}
    path = write_clip(tmp_path / name, frames(), encoder=encoder, options=quiet)
    times, pixels, notes = read(path)
    assert times[0] == 0 and len(times) == RATE and notes == []
    wanted = [Fraction(number, RATE) for number in range(RATE)]
    assert max(abs(a - b) for a, b in zip(times, wanted, strict=True)) < Fraction(1, 900)
    assert all(difference(a, b) < 12 for a, b in zip(pixels, frames(), strict=True))


def test_uneven_times_are_those_of_the_file(tmp_path: Path) -> None:
    wanted = [Fraction(ms, 1000) for ms in (0, 40, 100, 101, 400, 900, 2500, 2501, 3000, 7000)]
    path = write_clip(tmp_path / "uneven.mp4", frames()[: len(wanted)], times=wanted)
    assert read(path)[0] == wanted


def test_a_video_that_begins_after_its_sound_keeps_its_place(tmp_path: Path) -> None:
    late = [Fraction(ms, 1000) for ms in range(500, 1500, 40)]
    path = write_clip(tmp_path / "late.mp4", frames(), times=late, sound="aac")
    times, _, _ = read(path)
    assert abs(times[0] - Fraction(1, 2)) < Fraction(1, RATE)  # AAC begins a moment before 0


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_no_frame_is_sideways(tmp_path: Path, rotation: int, mirrored: bool) -> None:
    wanted = frames(0.2)
    # a player turns the frames, and then mirrors them
    stored = turned([frame[:, ::-1] if mirrored else frame for frame in wanted], rotation)
    path = write_clip(tmp_path / "turned.mp4", stored, rotation=rotation, mirrored=mirrored)
    _, pixels, _ = read(path)
    assert pixels[0].shape == wanted[0].shape
    assert difference(pixels[0], wanted[0]) < 8 < difference(pixels[0], wanted[0][:, ::-1])


def test_ten_bits_and_pixels_that_are_not_square(tmp_path: Path) -> None:
    deep = write_clip(tmp_path / "a.mkv", frames(0.2), encoder="ffv1", pixels="yuv420p10le")
    assert difference(read(deep)[1][0], frames(0.2)[0]) < 8
    squeezed = [frame[:, ::2] for frame in frames(0.2)]
    wide = write_clip(tmp_path / "b.mp4", squeezed, aspect=Fraction(2))
    assert read(wide)[1][0].shape == (*SMALL_HW, 3)
    assert difference(read(wide)[1][0], frames(0.2)[0]) < 12


def combs(pixels: np.ndarray) -> float:
    """How far each row is from those around it."""
    grey = pixels.mean(axis=2)
    return float(np.abs(grey[1:-1] - (grey[:-2] + grey[2:]) / 2).mean())


def test_interlaced_frames_are_taken_apart(tmp_path: Path) -> None:
    whole = frames(0.8)
    woven = []
    for first, second in zip(whole[::2], whole[1::2], strict=True):
        both = first.copy()
        both[1::2] = np.roll(second, 12, axis=1)[1::2]
        woven.append(both)
    plain = write_clip(tmp_path / "plain.mp4", woven)
    flagged = {"flags": "+ildct+ilme", "x264-params": "tff=1"}
    interlaced = write_clip(tmp_path / "interlaced.mp4", woven, options=flagged)
    (times, pixels, _), (_, combed, _) = read(interlaced), read(plain)
    assert len(times) == len(woven)
    assert np.mean([combs(p) for p in pixels]) < 0.5 * np.mean([combs(p) for p in combed])


def test_a_video_that_is_cut_off_gives_what_can_be_read(tmp_path: Path) -> None:
    for name, muxing in (("a.mp4", {"movflags": "faststart"}), ("a.mkv", {})):
        path = write_clip(tmp_path / name, frames(4), muxing=muxing)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        times, _, notes = read(path)
        assert 0 < len(times) < 4 * RATE
        assert "cut off: ends at" in notes[-1] and "of 4.0" in notes[-1]


def test_frames_are_small_where_the_size_changes(tmp_path: Path) -> None:
    first = write_clip(tmp_path / "a.ts", frames(0.4))
    second = write_clip(tmp_path / "b.ts", frames(0.4, (192, 320)))
    both = tmp_path / "both.ts"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    assert {pixels.shape for pixels in read(both)[1]} == {(*SMALL_HW, 3)}


def write_sound(path: Path) -> Path:
    with av.open(str(path), "w") as made:
        stream = made.add_stream("aac", rate=44_100)
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 4096), np.int16), format="s16", layout="mono"
        )
        silence.sample_rate = 44_100
        made.mux([*stream.encode(silence), *stream.encode()])
    return path


def test_what_is_no_video_is_one_line(tmp_path: Path) -> None:
    inside = write_clip(tmp_path / "inside.ts", frames(0.2))
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(1).bytes(50_000))
    (tmp_path / "list.mp4").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{inside}\n#EXT-X-ENDLIST\n"
    )
    (tmp_path / "concat.mp4").write_text(f"ffconcat version 1.0\nfile {inside.name}\n")
    huge = np.zeros((6400, 6400, 3), np.uint8)
    assert huge.size > 3 * MAX_PIXELS
    write_clip(tmp_path / "huge.mkv", [huge], encoder="mjpeg", pixels="yuvj420p")
    unfinished = write_clip(tmp_path / "unfinished.mp4", frames())
    unfinished.write_bytes(unfinished.read_bytes()[:-200])
    write_sound(tmp_path / "sound.m4a")
    for name, words in (
        ("empty.mp4", "empty file"),
        ("nowhere.mp4", "no video at"),
        (".", "is not a file"),
        ("noise.mp4", "damaged, cut off, or no video"),
        ("list.mp4", "cannot be read as a video"),
        ("concat.mp4", "of a kind that is not supported"),
        ("huge.mkv", "6400 by 6400 pixels"),
        ("unfinished.mp4", "damaged, cut off, or no video"),
        ("sound.m4a", "no pictures"),
    ):
        with pytest.raises(VideoError, match=words) as raised:
            read(tmp_path / name)
        assert len(str(raised.value).splitlines()) == 1


def test_files_are_closed(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", frames())
    sound = write_sound(tmp_path / "sound.m4a")

    def opened() -> list[str]:
        links = [os.path.join("/proc/self/fd", number) for number in os.listdir("/proc/self/fd")]
        return [os.readlink(link) for link in links if os.path.lexists(link)]

    with Video(path) as video:
        next(video.stills())
        assert str(path) in opened()
    with pytest.raises(VideoError):
        Video(sound)
    assert not {str(path), str(sound)} & set(opened())


DAMAGE = """
import sys
from pathlib import Path
import numpy as np
from pilah.errors import VideoError
from pilah.video.annotate import annotate
from pilah.video.decode import Video

draft, read, refused = Path(sys.argv[1]), 0, 0
for path in map(Path, sys.argv[2:]):
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    for seed in range(30):
        random = np.random.default_rng(seed)
        damaged = whole.copy()
        end = 2_000 if seed % 3 else len(whole)  # most often where the container is described
        places = random.integers(0, end, 1 + seed)
        damaged[places] = random.integers(0, 256, len(places))
        if seed % 5 == 0:
            damaged = damaged[: random.integers(1, len(damaged))]
        draft.write_bytes(damaged.tobytes())
        try:
            with Video(draft) as video:
                for still in video.stills():
                    still.pixels()
            with Video(draft) as video:
                annotate(video, [], draft.with_suffix(".mp4"))
            read += 1
        except VideoError as error:
            assert len(str(error).splitlines()) == 1, error
            refused += 1
print(read, refused)
"""


def test_damaged_containers_end_in_frames_or_in_one_line(tmp_path: Path) -> None:
    clips = [
        write_clip(tmp_path / "a.mp4", frames(0.4), muxing={"movflags": "faststart"}),
        write_clip(tmp_path / "a.mkv", frames(0.4), sound="aac"),
        write_clip(tmp_path / "a.avi", frames(0.4), encoder="mpeg4"),
        write_clip(tmp_path / "a.ts", frames(0.4), sound="aac"),
        write_clip(tmp_path / "a.webm", frames(0.4), encoder="libvpx-vp9"),
    ]
    done = subprocess.run(  # a crash of the decoder would end the tests
        [sys.executable, "-c", DAMAGE, tmp_path / "draft", *clips],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert (done.returncode, done.stderr) == (0, "")
    read_all, refused = map(int, done.stdout.split())
    assert read_all + refused == 150 and read_all > 20 and refused > 20


def test_a_portrait_stays_a_portrait(tmp_path: Path) -> None:
    """The colours of a clip are those of its frames."""
    portrait = np.asarray(collins().resize((160, 184)))
    path = write_clip(tmp_path / "a.mp4", [portrait] * 3, options={"crf": "10"})
    assert difference(read(path)[1][0], portrait) < 5
