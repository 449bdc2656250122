"""The video once more, with boxes and captions; its rotation, times and sound are the source's."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pilah.errors import VideoError
from pilah.types import Box, Label
from pilah.video.decode import Still, Video
from pilah.video.drawing import MOST_SHOWN, Canvas, portrait
from pilah.video.ffmpeg import FFmpegError, Flags, av, of_disk, why
from pilah.video.follow import Track
from pilah.video.sound import Sound
from pilah.video.tables import caption
from pilah.wording import shown

ENCODERS = (("libx264", {"preset": "ultrafast", "crf": "23"}), ("mpeg4", {"qscale": "3"}))
"""The first that the installed FFmpeg has."""

FINEST = Fraction(1, 90_000)
"""Seconds that times of the written pictures are multiples of, at the least."""

COLOURS = ("colorspace", "color_range", "color_primaries", "color_trc")
"""What a frame says of its colours."""


def annotate(
    video: Video,
    tracks: Sequence[Track],
    path: Path,
    progress: Callable[[Fraction], None] = lambda time: None,
) -> list[Image.Image | None]:
    """Write an MP4 with the tracks drawn into it.

    Args:
        video: the source, not yet read; its `notes` then say what sound is missing, too.
        tracks: in the order of their starts; the first has the number 1.
        path: the file to write.
        progress: called with the time of each frame.

    Returns:
        The best face of each track, up to `MOST_SHOWN`, None where it could not be read again.

    Raises:
        OSError: the file cannot be written.
    """
    faces: list[Image.Image | None] = [None] * min(len(tracks), MOST_SHOWN)
    best: dict[Fraction, list[int]] = {}
    for index in range(len(faces)):
        best.setdefault(tracks[index].best, []).append(index)
    overlay = _Overlay(tracks)
    try:
        with av.open(str(path), "w", format="mp4") as made, closing(Sound(video, made)) as sound:
            picture: _Picture | None = None
            for still in video.stills():
                picture = picture or _Picture(made, video, still)
                for index in best.get(still.time, ()):
                    faces[index] = portrait(still.pixels(), _box_at(tracks[index], still.time))
                sound.up_to(still.time)
                picture.add(still, overlay.at(still.time))
                progress(still.time)
            if picture is not None:
                picture.end()
            sound.up_to(None)
        video.notes += sound.notes
    except FFmpegError as error:
        if of_disk(error):
            raise OSError(error.errno, error.strerror) from None
        raise VideoError(
            f"{shown(video.path)} cannot be written with boxes ({why(error)}); make an MP4 of it "
            "first"
        ) from None
    return faces


class _Overlay:
    """Which faces are in the picture, and where, at times that only grow."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        self._tracks = tracks
        self._captions = [caption(number, track) for number, track in enumerate(tracks, start=1)]
        self._times: dict[int, list[Fraction]] = {}  # of the tracks that are in the picture
        self._coming = 0

    def at(self, time: Fraction) -> list[tuple[Box, Label | None, str]]:
        """Boxes, labels and captions; between two looks a face moves in a straight line."""
        while self._coming < len(self._tracks) and self._tracks[self._coming].start <= time:
            seen = self._tracks[self._coming].sightings
            self._times[self._coming] = [sighting.time for sighting in seen]
            self._coming += 1
        self._times = {
            index: its for index, its in self._times.items() if _end(self._tracks[index]) > time
        }
        return [
            (
                _between(self._tracks[index], bisect_right(its, time), time),
                self._tracks[index].label,
                self._captions[index],
            )
            for index, its in self._times.items()
        ]


def _end(track: Track) -> Fraction:
    """When the last picture with a face leaves the screen, as subtitles and tables have it."""
    return track.end + track.sightings[-1].lasts


def _between(track: Track, after: int, time: Fraction) -> Box:
    before = track.sightings[after - 1]
    if after == len(track.sightings):
        return before.face.box
    next_one = track.sightings[after]
    share = float((time - before.time) / (next_one.time - before.time))
    a, b = before.face.box, next_one.face.box
    return Box(
        a.left + share * (b.left - a.left),
        a.top + share * (b.top - a.top),
        a.right + share * (b.right - a.right),
        a.bottom + share * (b.bottom - a.bottom),
    )


def _box_at(track: Track, time: Fraction) -> Box:
    return next(seen.face.box for seen in track.sightings if seen.time == time)


class _Picture:
    """The stream of pictures that is written: sides are even, as players want them."""

    def __init__(self, made: Any, video: Video, first: Still) -> None:
        self._made = made
        self._time_base = max(video.time_base, FINEST)
        self._last = -1
        height, width = first.upright.stored_hw
        self._size_hw = (max(2, height // 2 * 2), max(2, width // 2 * 2))
        name, options = next(pair for pair in ENCODERS if pair[0] in av.codecs_available)
        self._stream = made.add_stream(name, rate=video.rate, options=options)
        self._stream.height, self._stream.width = self._size_hw
        self._stream.pix_fmt = "yuv420p"
        self._stream.thread_type = "FRAME"  # encoded while the next frames are drawn
        context = self._stream.codec_context
        context.time_base = self._time_base
        context.flags |= Flags.frame_duration
        frame = first.yuv(self._size_hw)
        for tag in COLOURS:
            setattr(context, tag, getattr(frame, tag))
        if first.upright.matrix is not None:
            self._stream.set_display_matrix(first.upright.matrix)

    def add(self, still: Still, faces: list[tuple[Box, Label | None, str]]) -> None:
        frame = still.yuv(self._size_hw)
        if faces:
            frame.make_writable()
            canvas = Canvas([still.upright.view(_pixels(plane)) for plane in frame.planes])
            for box, label, text in faces:
                canvas.face(box, label, text)
        frame.time_base = self._time_base
        frame.pts = self._last = max(self._last + 1, round(still.time / self._time_base))
        frame.duration = max(1, round(still.lasts / self._time_base))
        frame.pict_type = 0  # the encoder's to choose
        self._made.mux(self._stream.encode(frame))

    def end(self) -> None:
        self._made.mux(self._stream.encode())


def _pixels(plane: Any) -> NDArray[np.uint8]:
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]
