"""The video once more, with boxes and captions; its rotation, times and sound are the source's."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pilah.types import Box, Label
from pilah.video.decode import Still, Video
from pilah.video.drawing import MOST_SHOWN, Canvas, portrait
from pilah.video.ffmpeg import FFmpegError, av, open_input
from pilah.video.follow import Track
from pilah.video.tables import caption

ENCODERS = (("libx264", {"preset": "ultrafast", "crf": "23"}), ("mpeg4", {"qscale": "3"}))
"""The first that the installed FFmpeg has."""

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
        video: the source, not yet read.
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
        with av.open(str(path), "w", format="mp4") as made, closing(_Sound(video, made)) as sound:
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
    except FFmpegError as error:
        raise OSError(error.errno, error.strerror) from None
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
        self._times = {index: its for index, its in self._times.items() if its[-1] >= time}
        return [
            (
                _between(self._tracks[index], bisect_right(its, time), time),
                self._tracks[index].label,
                self._captions[index],
            )
            for index, its in self._times.items()
        ]


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
        self._time_base = video.time_base
        height, width = first.upright.stored_hw
        self._size_hw = (max(2, height // 2 * 2), max(2, width // 2 * 2))
        name, options = next(pair for pair in ENCODERS if pair[0] in av.codecs_available)
        self._stream = made.add_stream(name, rate=video.rate, options=options)
        self._stream.height, self._stream.width = self._size_hw
        self._stream.pix_fmt = "yuv420p"
        self._stream.thread_type = "FRAME"  # encoded while the next frames are drawn
        context = self._stream.codec_context
        context.time_base = self._time_base
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
        frame.pts, frame.time_base = round(still.time / self._time_base), self._time_base
        frame.pict_type = 0  # the encoder's to choose
        self._made.mux(self._stream.encode(frame))

    def end(self) -> None:
        self._made.mux(self._stream.encode())


def _pixels(plane: Any) -> NDArray[np.uint8]:
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]


class _Sound:
    """The source's sound: as it is where an MP4 may hold it, else as AAC."""

    def __init__(self, video: Video, made: Any) -> None:
        self._made = made
        self._source = open_input(video.path)
        self._start = Fraction(self._source.start_time or 0, av.time_base)
        self._to: dict[int, tuple[Any, bool]] = {}
        for stream in self._source.streams.audio:
            if stream.codec_context is None:
                continue
            if stream.codec_context.name in made.supported_codecs:
                self._to[stream.index] = (made.add_stream_from_template(stream), True)
            else:
                rate = stream.codec_context.sample_rate
                self._to[stream.index] = (made.add_stream("aac", rate=rate), False)
        self._packets = self._ordered()
        self._next = next(self._packets, None)

    def close(self) -> None:
        self._source.close()

    def up_to(self, time: Fraction | None) -> None:
        """Write what sounds until then, or all the rest."""
        while self._next is not None and (time is None or self._next[0] <= time):
            self._made.mux(self._next[1])
            self._next = next(self._packets, None)

    def _ordered(self) -> Iterator[tuple[Fraction, Any]]:
        """Packets to write, each with its time; those that go back, as damage makes them, not."""
        last: dict[int, int] = {}
        for stream, packet in self._read() if self._to else ():
            if packet.dts is not None and packet.dts > last.get(stream.index, packet.dts - 1):
                last[stream.index] = packet.dts
                packet.stream = stream
                yield packet.dts * packet.time_base, packet

    def _read(self) -> Iterator[tuple[Any, Any]]:
        """Packets, and the stream that each goes to."""
        sources = [self._source.streams[index] for index in self._to]
        with suppress(FFmpegError):  # reading the pictures tells what is damaged
            for packet in self._source.demux(sources):
                stream, copied = self._to[packet.stream.index]
                if not copied:
                    yield from ((stream, made) for made in self._encoded(stream, packet))
                elif packet.dts is not None:
                    back = round(self._start / packet.time_base)
                    packet.pts = (packet.dts if packet.pts is None else packet.pts) - back
                    packet.dts -= back
                    yield stream, packet
        for stream, copied in self._to.values():
            if not copied:
                yield from ((stream, made) for made in stream.encode(None))

    def _encoded(self, stream: Any, packet: Any) -> Iterator[Any]:
        frames = []
        with suppress(FFmpegError):  # a damaged packet
            frames = packet.decode()
        for frame in frames:
            if frame.pts is not None:
                frame.pts -= round(self._start / frame.time_base)
            yield from stream.encode(frame)
