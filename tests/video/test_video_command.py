"""`pilah video`: its files, its words, its exit codes, and what it refuses."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

import pilah
from pilah.cli import program
from pilah.errors import VideoError
from pilah.video.decode import Video
from pilah.video.write import NAMES
from tests.video.clips import (
    HERTZ,
    SIZE_HW,
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

FAST = ("--min-face", "0.1")
TEAL = np.array([95, 224, 214])
"""The colour of the boxes of faces that are labelled male."""


def run(*words: Any) -> tuple[int, str, str]:
    done = CliRunner().invoke(program, [*map(str, words)])
    return done.exit_code, done.stdout, done.stderr


def two_faces() -> list[np.ndarray]:
    """Hopper walks for three seconds; Collins is there from the second second on."""
    return list(
        pictures(
            [
                Actor(hopper(), moving((110, 180, 200), (300, 180, 200), 3)),
                Actor(collins(), between(1, 3, still_at(520, 180, 200))),
            ],
            3,
        )
    )


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two faces, with sound, from a camera that was held upright."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_clip(path, turned(two_faces(), 90), rotation=90, sound="aac")


@pytest.fixture(scope="module")
def out(clip: Path) -> Path:
    target = clip.parent / "new" / "out"
    code, printed, err = run("video", clip, "--to", target, *FAST)
    assert (code, err) == (0, "")
    assert re.search(r"female +1 +2\.0", printed) and re.search(r"male +1 +3\.0", printed)
    assert "Women among 2 labelled tracks: 50.0% (9.5% to 90.5%" in printed
    assert "A track is not a person" in printed
    return target


def test_the_files_are_there_and_no_other(out: Path) -> None:
    assert {path.name for path in out.iterdir()} == {*NAMES, ".pilah"}
    assert [path.name for path in (out / ".pilah").iterdir()] == ["video.jsonl"]


def test_tracks_and_frames(out: Path) -> None:
    with (out / "tracks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["track"], row["label"], row["frames"]) for row in rows] == [
        ("1", "male", "15"),
        ("2", "female", "10"),
    ]
    times = [(row["start"], row["end"], row["on_screen"]) for row in rows]
    assert times == [("0.000", "2.800", "3.000"), ("1.000", "2.800", "2.000")]
    frames = pq.read_table(out / "frames.parquet").to_pylist()
    assert len(frames) == 25
    for row in rows:
        mine = [frame for frame in frames if frame["track"] == int(row["track"])]
        pooled = [frame["time"] for frame in mine if frame["pooled"]]
        assert float(row["best"]) in pooled and len(pooled) == 5
        assert row["p_male"] > "0.5" or max(frame["p_male"] for frame in mine) < 0.8
    first = frames[0]
    assert first["time"] == 0 and 60 < (first["left"] + first["right"]) / 2 < 160


def test_the_summary_says_what_the_tables_say(out: Path) -> None:
    summary = json.loads((out / "summary.json").read_text())
    assert summary["tracks"] == {"female": 1, "male": 1, "unsure": 0}
    assert summary["on_screen"] == {"female": 2.0, "male": 3.0, "unsure": 0}
    assert (summary["looks"], summary["notes"]) == (15, [])


def test_subtitles(out: Path) -> None:
    text = (out / "subtitles.srt").read_text()
    captions = re.findall(r"(\d+)\n(\S+) --> (\S+)\n(.+?)\n\n", text, flags=re.DOTALL)
    assert [caption[:3] for caption in captions] == [
        ("1", "00:00:00,000", "00:00:01,000"),
        ("2", "00:00:01,000", "00:00:03,000"),
    ]
    assert re.fullmatch(r"1 male \d\d%", captions[0][3])
    assert re.fullmatch(r"1 male \d\d%\n2 female \d\d%", captions[1][3])


def packets(path: Path, kind: str) -> list[tuple[Any, bytes]]:
    with av.open(str(path)) as file:
        (stream,) = [stream for stream in file.streams if stream.type == kind]
        found = [packet for packet in file.demux(stream) if packet.dts is not None]
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in found]


def matrix(path: Path) -> bytes:
    with av.open(str(path)) as file:
        frame = next(file.decode(video=0))
        return bytes(frame.side_data[0])


def test_the_annotated_video_is_the_source_with_boxes(clip: Path, out: Path) -> None:
    made = out / "annotated.mp4"
    assert matrix(made) == matrix(clip)
    sound, before = packets(made, "audio"), packets(clip, "audio")
    assert [data for _, data in sound] == [data for _, data in before]
    with Video(clip) as source, Video(made) as annotated:
        pairs = list(zip(source.stills(), annotated.stills(), strict=True))
        assert max(abs(a.time - b.time) for a, b in pairs) < 0.03  # AAC begins a moment before 0
        a, b = pairs[60][0].pixels().astype(int), pairs[60][1].pixels().astype(int)
    assert a.shape == b.shape == (*SIZE_HW, 3)
    changed = np.abs(a - b).sum(axis=2) > 120
    boxes = np.zeros(SIZE_HW, bool)
    for frame in pq.read_table(out / "frames.parquet").to_pylist():
        if frame["time"] == 2.4:
            left, top, right, bottom = (
                round(frame[edge]) for edge in ("left", "top", "right", "bottom")
            )
            boxes[top - 30 : bottom + 4, left - 4 : right + 70] = True
            assert changed[top - 3 : top + 6, left:right].mean() > 0.2
    assert not changed[~boxes].any()
    assert (np.abs(b - TEAL).sum(axis=2) < 60).any()


def test_the_sheet_shows_each_track(out: Path) -> None:
    with Image.open(out / "tracks.jpg") as sheet:
        faces = np.asarray(sheet)
    assert faces.shape[1] > 2 * 160
    assert np.abs(faces[20:160, 20:160].astype(int) - faces[20:160, 200:340]).mean() > 20


def test_the_same_command_again_does_nothing(clip: Path, out: Path) -> None:
    before = {name: (out / name).stat().st_mtime_ns for name in NAMES}
    code, printed, _ = run("video", clip, "--to", out, *FAST, "--json")
    answer = json.loads(printed)
    assert code == 0 and answer["tracks"] == {"female": 1, "male": 1, "unsure": 0}
    assert answer["files"] == [str(out / name) for name in NAMES]
    assert {name: (out / name).stat().st_mtime_ns for name in NAMES} == before


def test_what_is_refused(clip: Path, out: Path, tmp_path: Path) -> None:
    other = write_clip(tmp_path / "other.mp4", two_faces()[:5])
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "tracks.csv").write_text("mine")
    listed = sorted(tmp_path.rglob("*"))
    for words, said in (
        ((other, "--to", out, *FAST), "give another --to"),
        ((clip, "--to", out, *FAST, "--every", "1s"), "every 1/5, not of every 1;"),
        ((clip, "--to", out, *FAST, "--min-confidence", "0.9"), "at 0.9"),
        ((other, "--to", tmp_path / "file"), "is a file; give a folder with --to"),
        ((other, "--to", tmp_path / "full"), "tracks.csv is there, but not from this command"),
        ((tmp_path / "no.mp4", "--to", tmp_path / "out"), "no video at"),
        ((tmp_path / "file", "--to", tmp_path / "out"), "cannot be read as a video"),
        ((other, "--to", tmp_path / "out", "--every", "1s", "--fps", "2"), "exclude each other"),
        ((other, "--to", tmp_path / "out", "--every", "0s"), "give more than 0"),
        ((other, "--to", tmp_path / "out", "--every", f"1{20 * '0'}s"), "is no time"),
        ((other, "--to", tmp_path / "out", "--every", "90000s"), "at most a day"),
        ((other, "--to", tmp_path / "out", "--min-face", "nan"), "a smallest face of nan"),
        ((other, "--to", tmp_path / "out", "--fps", "0"), "give more than 0"),
        ((other, "--to", tmp_path / "out", "--every", "soon"), "give seconds, such as 0.2s"),
    ):
        code, printed, err = run("video", *words)
        assert (code, printed) == (2, ""), words
        assert said in " ".join(err.split()), err
        assert sorted(tmp_path.rglob("*")) == listed


def test_a_damaged_video_gives_its_tracks_and_exit_code_1(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", two_faces(), muxing={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    code, printed, err = run("video", path, "--to", tmp_path / "out", *FAST)
    assert code == 1 and re.search(r"male +1 ", printed)
    assert err.startswith(f"{path}: ") and "cut off: ends at" in err
    assert len(json.loads((tmp_path / "out" / "summary.json").read_text())["notes"]) >= 1


def test_nobody_odd_sides_and_sound_that_no_mp4_holds(tmp_path: Path) -> None:
    empty = [frame[:121, :163] for frame in pictures([], 1)]
    path = write_clip(tmp_path / "a.mkv", empty, encoder="ffv1", sound="wavpack")
    code, printed, err = run("video", path, "--to", tmp_path / "out", "--fps", "2")
    assert (code, err) == (0, "") and "Women among" not in printed
    assert (tmp_path / "out" / "tracks.csv").read_text().count("\n") == 1
    assert pq.read_table(tmp_path / "out" / "frames.parquet").num_rows == 0
    with av.open(str(tmp_path / "out" / "annotated.mp4")) as made:
        assert made.streams.audio[0].codec_context.name == "aac"
        heard = sum(frame.samples for frame in made.decode(audio=0)) / HERTZ
    assert abs(heard - 1) < 0.1
    pictures_at = [time for time, _ in packets(tmp_path / "out" / "annotated.mp4", "video")]
    assert max(pictures_at) == pytest.approx(0.96)


def test_without_the_extra_the_command_says_how_to_get_it(clip: Path, tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['av'] = None; from pilah.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", hidden, "video", clip, "--to", tmp_path / "out"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and not (tmp_path / "out").exists()
    assert done.stderr == (
        "pilah: error: reading videos is not installed; run: pip install 'pilah[video]'\n"
    )


@pytest.mark.parametrize("every", ["0.2", None, True, 0, -1, float("nan"), float("inf"), 90_000])
def test_python_refuses_what_is_no_time(model: pilah.Pilah, clip: Path, every: Any) -> None:
    with pytest.raises(VideoError, match="seconds between two looks; give more than 0"):
        model.follow(clip, every=every)


def test_a_look_counts_until_the_next_or_the_end(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", two_faces()[:50])
    code, printed, _ = run("video", clip, "--to", tmp_path / "out", *FAST, "--every", "60s")
    assert code == 0 and re.search(r"male +1 +2\.0", printed)
    captions = (tmp_path / "out" / "subtitles.srt").read_text()
    assert "00:00:00,000 --> 00:00:02,000" in captions
