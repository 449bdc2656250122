"""A video is followed, and what was found is written: whole or not at all, and resumed."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from pilah.errors import VideoError
from pilah.files import put_in_place
from pilah.journals import refuse_others
from pilah.rate import Rate, wilson
from pilah.video import JOURNAL
from pilah.video.annotate import annotate
from pilah.video.cuts import spaced
from pilah.video.decode import Video
from pilah.video.drawing import sheet
from pilah.video.follow import Following, Track, tracks_of
from pilah.video.journal import DAMAGE, Journal
from pilah.video.look import AnswersOf, Look, look_at
from pilah.video.tables import UNSURE, write_frames, write_subtitles, write_tracks
from pilah.wording import reason_of, shown

NAMES = (
    *("tracks.csv", "frames.parquet", "subtitles.srt", "annotated.mp4", "tracks.jpg"),
    "summary.json",
)
"""The files; the last says that the others are there."""

Progress = Callable[[str, float, float | None], None]
"""Called with what is done, seconds of the video done, and seconds in all where that is known."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a video showed.

    `tracks` and `on_screen` (seconds) are by label, `unsure` among them. `share_of_women` is that
    among tracks with a label, with its interval as if they were people met by chance; None without
    one. `looks` is how many frames were looked at, `seconds` the time of the last, `notes` what
    could not be read.
    """

    seconds: float
    looks: int
    tracks: dict[str, int]
    on_screen: dict[str, float]
    share_of_women: Rate | None
    notes: tuple[str, ...]

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Summary":
        """The summary that `summary.json` has."""
        share = raw["share_of_women"]
        return cls(
            **{**raw, "share_of_women": share and Rate(**share), "notes": tuple(raw["notes"])}
        )


def write_video(
    path: Path,
    target: Path,
    answers_of: AnswersOf,
    following: Following,
    *,
    model: str,
    progress: Progress = lambda doing, done, total: None,
) -> Summary:
    """Follow the faces of a video, and write the files `NAMES` into a folder.

    What an earlier run saw is not looked at again, and what is finished is not written again.

    Args:
        path: the video.
        target: the folder; it is made if it is missing.
        answers_of: finds and classifies the faces of stills.
        following: how they are followed.
        model: describes what classifies, so that one target is never of two models.
        progress: see `Progress`.

    Raises:
        DataError: another command wrote the target.
        VideoError: the video cannot be read, or the target cannot be written or has other files.
    """
    target = target.absolute()  # FFmpeg takes a name such as `a:b` for an address
    with Video(path) as video:  # what is no video makes no folder
        seconds = None if video.seconds is None else float(video.seconds)
    asked = _asked(path, following, model)
    try:
        _refuse_in_the_way(target)
        target.mkdir(parents=True, exist_ok=True)
        with Journal(target, asked) as journal:
            made = target / NAMES[-1]
            if all((target / name).is_file() for name in NAMES):
                with suppress(*DAMAGE):  # else it is written again
                    return Summary.from_json(json.loads(made.read_text(encoding="utf-8")))
            return _write(path, target, answers_of, following, journal, seconds, progress)
    except OSError as error:
        folders = (target, *target.parents)
        home = next(filter(os.path.exists, folders))  # a name that is too long is none
        free = shutil.disk_usage(home).free / 1e6
        raise VideoError(
            f"cannot write into {shown(target)} ({reason_of(error)}; {free:,.1f} MB free); make "
            "room or give another --to, then run the same command again to resume"
        ) from None


def _write(
    path: Path,
    target: Path,
    answers_of: AnswersOf,
    following: Following,
    journal: Journal,
    seconds: float | None,
    progress: Progress,
) -> Summary:
    looks = journal.looks()
    if journal.notes is None:
        new = _new_looks(path, journal, answers_of, following, seconds, progress)
        looks = chain(looks, new)
    tracks = sorted(tracks_of(looks, following), key=lambda track: track.start)
    scratch = target / Path(JOURNAL).parent
    write_tracks(scratch / "tracks.csv", tracks)
    write_frames(scratch / "frames.parquet", tracks)
    write_subtitles(scratch / "subtitles.srt", tracks)
    with Video(path) as video:
        faces = annotate(
            video,
            tracks,
            scratch / "annotated.mp4",
            lambda time: progress("drawing", float(time), seconds),
        )
    sheet(tracks, faces).save(scratch / "tracks.jpg", quality=90)
    summary = _summary(tracks, journal, video.notes)
    text = json.dumps(asdict(summary), indent=2)
    (scratch / "summary.json").write_text(text + "\n", encoding="utf-8")
    for name in NAMES:
        put_in_place(scratch / name, target / name)
    return summary


def _new_looks(
    path: Path,
    journal: Journal,
    answers_of: AnswersOf,
    following: Following,
    seconds: float | None,
    progress: Progress,
) -> Iterator[Look]:
    """Look at what earlier runs have not, and write each look down before it counts."""
    with Video(path) as video:
        stills = spaced(video.stills(), following.every)
        for look in look_at(stills, answers_of, after=journal.last):
            journal.add(look)
            progress("looking", float(look.time), seconds)
            yield look
        journal.end(video.notes)


def _summary(tracks: list[Track], journal: Journal, notes: list[str]) -> Summary:
    numbers = Counter(track.label or UNSURE for track in tracks)
    labels = ("female", "male", UNSURE)
    clear = numbers["female"] + numbers["male"]
    return Summary(
        float(journal.last or 0),
        journal.count,
        {label: numbers[label] for label in labels},
        {
            label: float(sum(t.on_screen for t in tracks if (t.label or UNSURE) == label))
            for label in labels
        },
        wilson(numbers["female"], clear) if clear else None,
        tuple(notes),
    )


def _asked(path: Path, following: Following, model: str) -> dict[str, Any]:
    """What makes it the same command again."""
    status = path.stat()
    return {
        "video": str(path.absolute()),
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "every": str(following.every),
        "model": model,
    }


def _refuse_in_the_way(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise VideoError(f"{shown(target)} is a file; give a folder with --to")
    refuse_others(target, "video")
    if (target / JOURNAL).is_file():
        return
    for name in NAMES:
        if (target / name).exists():
            raise VideoError(
                f"{shown(target / name)} is there, but not from this command; give another --to"
            )
