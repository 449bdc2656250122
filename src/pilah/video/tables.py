"""tracks.csv, frames.parquet and subtitles.srt: what was followed, for programs and players."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pilah.csv_lines import csv_writer
from pilah.video.follow import Track

COLUMNS = ("track", "start", "end", "on_screen", "frames", "label", "p_male", "best")
UNSURE = "unsure"

SCHEMA = pa.schema(
    [
        ("track", pa.int32()),
        ("time", pa.float64()),
        *((edge, pa.float32()) for edge in ("left", "top", "right", "bottom")),
        ("p_male", pa.float32()),
        ("detector_score", pa.float32()),
        ("height", pa.float32()),
        ("tilt", pa.float32()),
        ("sharpness", pa.float32()),
        ("pooled", pa.bool_()),
    ]
)


def write_tracks(path: Path, tracks: Sequence[Track]) -> None:
    """Write one line per track; times are seconds, and `label` is `unsure` where it is."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv_writer(file)
        table.writerow(COLUMNS)
        for number, track in enumerate(tracks, start=1):
            times = (track.start, track.end, track.on_screen)
            table.writerow(
                [
                    number,
                    *map(_seconds, times),
                    len(track.sightings),
                    track.label or UNSURE,
                    f"{track.p_male:.6f}",
                    _seconds(track.best),
                ]
            )


def write_frames(path: Path, tracks: Sequence[Track]) -> None:
    """Write one row per track and frame that was looked at; boxes in pixels of the video."""
    # open, for pyarrow takes the name `a:b` for an address, and needs a name to be text
    with path.open("wb") as file, pq.ParquetWriter(file, SCHEMA) as writer:
        for number, track in enumerate(tracks, start=1):
            pooled = set(track.pooled)
            rows = [
                {
                    "track": number,
                    "time": float(seen.time),
                    "left": seen.face.box.left,
                    "top": seen.face.box.top,
                    "right": seen.face.box.right,
                    "bottom": seen.face.box.bottom,
                    "p_male": seen.face.p_male,
                    "detector_score": seen.face.detector_score,
                    "height": seen.face.height,
                    "tilt": seen.face.tilt,
                    "sharpness": seen.sharpness,
                    "pooled": seen.time in pooled,
                }
                for seen in track.sightings
            ]
            writer.write_table(pa.Table.from_pylist(rows, SCHEMA))


def write_subtitles(path: Path, tracks: Sequence[Track]) -> None:
    """Write who is in the picture, and when, as SubRip has it; each caption names all at once."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for number, (start, end, texts) in enumerate(_captions(tracks), start=1):
            lines = "\n".join(texts)
            file.write(f"{number}\n{_clock(start)} --> {_clock(end)}\n{lines}\n\n")


def caption(number: int, track: Track) -> str:
    """What is said of a track in pictures and subtitles."""
    if track.label is None:
        return f"{number} {UNSURE}"
    confidence = min(99, int(100 * max(track.p_male, 1 - track.p_male)))  # never 100%
    return f"{number} {track.label} {confidence}%"


def _captions(tracks: Sequence[Track]) -> Iterator[tuple[Fraction, Fraction, list[str]]]:
    ends = [track.end + track.sightings[-1].lasts for track in tracks]
    times = sorted({track.start for track in tracks} | set(ends))
    live: list[int] = []
    coming = 0
    for start, end in pairwise(times):
        live = [index for index in live if ends[index] > start]
        while coming < len(tracks) and tracks[coming].start <= start:
            live.append(coming)
            coming += 1
        if live:
            yield start, end, [caption(index + 1, tracks[index]) for index in live]


def _seconds(time: Fraction) -> str:
    return f"{float(time):.3f}"


def _clock(time: Fraction) -> str:
    thousandths = max(0, round(time * 1000))
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02},{rest % 1000:03}"
