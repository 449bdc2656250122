"""A video file becomes stills: its frames, upright, with the times at which they are shown.

Times are exact: `pts * time_base`, from the start of the file as players count; where those do not
go on, see `times.py`. What the file says of its rotation and of pixels that are not square is
applied, and interlaced frames are deinterlaced. What cannot be read is left out and noted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pilah.errors import VideoError
from pilah.video.ffmpeg import FFmpegError, av, open_input, packets, why
from pilah.video.interlaced import deinterlaced
from pilah.video.times import Times
from pilah.video.upright import Upright, upright
from pilah.wording import counted, shown

MAX_PIXELS = 40_000_000
"""Of one frame: more than 8K has; 120 MB when decoded."""

SHORT = Fraction(1)
"""Seconds that a video may end before its file says so; sound is often that much longer."""

UNSPECIFIED = 2
HIGH = 720


@dataclass(frozen=True, slots=True)
class Still:
    """One frame: `time` in seconds from the start of the file; `frame` is PyAV's.

    `lasts` is how many seconds it is shown, as far as the file says.

    Its methods raise a VideoError where the frame cannot be converted.
    """

    time: Fraction
    lasts: Fraction
    frame: Any
    upright: Upright

    def pixels(self) -> NDArray[np.uint8]:
        """Pixels as they are shown, uint8 RGB (*upright.size_hw, 3)."""
        height, width = self.upright.stored_hw
        # Untagged pictures of this height and more are BT.709's, as players take them.
        untagged = self.frame.colorspace == UNSPECIFIED and self.frame.height >= HIGH
        colours = "ITU709" if untagged else None
        pixels = self._converted(width, height, "rgb24", src_colorspace=colours).to_ndarray()
        return np.ascontiguousarray(self.upright.view(pixels))

    def reduced(self, size_hw: tuple[int, int]) -> NDArray[np.uint8]:
        """Pixels as they are stored, made small: uint8 RGB (*size_hw, 3)."""
        small: NDArray[np.uint8] = self._converted(
            size_hw[1], size_hw[0], "rgb24", interpolation="AREA"
        ).to_ndarray()
        return small

    def yuv(self, size_hw: tuple[int, int]) -> Any:
        """The frame as it is stored, of this size, in YUV 4:2:0: it may be the same, not a copy."""
        # Red, green and blue have no matrix that YUV could keep.
        is_rgb = self.frame.format.is_rgb
        how = {"dst_colorspace": "ITU709", "dst_color_range": "MPEG"} if is_rgb else {}
        return self._converted(size_hw[1], size_hw[0], "yuv420p", **how)

    def _converted(self, *wanted: Any, **how: Any) -> Any:
        try:
            # one thread: starting more takes longer than a frame does
            return self.frame.reformat(*wanted, **how, threads=1)
        except (FFmpegError, ValueError, MemoryError) as error:
            raise VideoError(
                f"the frame at {float(self.time):.2f} s cannot be converted ({why(error)})"
            ) from None


class Video:
    """An open video file; close it, or use it in a `with`.

    `seconds` is how long the file says it is, None where it does not. `notes` say what could not be
    read, once `stills` has come to its end.
    """

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            VideoError: it is not a file, not a video, has no picture, or too large a one.
        """
        self.path = path
        self.notes: list[str] = []
        self._container = open_input(path)
        try:
            self._stream = _picture_of(self._container, path)
        except BaseException:
            self.close()
            raise
        self._start = Fraction(self._container.start_time or 0, av.time_base)
        self.seconds, self._measured = self._duration()
        self._read_to = Fraction(0)
        self._times: Times[Any] = Times()
        self._upright: Upright | None = None
        self._damaged = 0
        self._delay: int | None = None

    def __enter__(self) -> Self:
        """Use it in a `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    @property
    def rate(self) -> Fraction:
        """Frames a second, as far as the file lets guess."""
        return self._stream.guessed_rate or self._stream.average_rate or Fraction(25)

    @property
    def time_base(self) -> Fraction:
        """What the file's times are multiples of, in seconds."""
        return self._stream.time_base or Fraction(1, 90_000)

    @property
    def offsets(self) -> Sequence[Fraction]:
        """By how many seconds the times of each part were moved, as far as it is read.

        More than one, where files were joined whose times do not go on; see `times.py`.
        """
        return self._times.offsets

    def stills(self) -> Iterator[Still]:
        """All frames in the order in which they are shown; once.

        Raises:
            VideoError: not one frame can be read.
        """
        last: Fraction | None = None
        for time, _, frame in self._timed():
            if self._upright is None:
                self._upright = upright(frame, self._stream.sample_aspect_ratio)
            last = time
            yield Still(time, self._lasts(frame), frame, self._upright)
        if last is None:
            reason = self.notes[0] if self.notes else "it has no frames"
            raise VideoError(f"{shown(self.path)} cannot be read as a video ({reason})")
        self.notes += self._times.notes()
        if self.seconds is not None and self._read_to + SHORT < self.seconds:
            self.notes.append(f"cut off: ends at {float(last):.1f} s of {float(self.seconds):.1f}")

    def _timed(self) -> Iterator[tuple[Fraction, int, Any]]:
        for frame in deinterlaced(self._decoded()):
            has_time = frame.pts is not None and frame.time_base is not None
            said = frame.pts * frame.time_base - self._start if has_time else None
            yield from self._times.add(said, self._lasts(frame), frame)
        yield from self._times.end()

    def _lasts(self, frame: Any) -> Fraction:
        if frame.duration > 0 and frame.time_base is not None:
            return Fraction(frame.duration * frame.time_base)
        return 1 / self.rate

    def _duration(self) -> tuple[Fraction | None, list[Any]]:
        """Seconds that the file has, and of which streams: the pictures alone where it says so."""
        if self._stream.duration is not None:
            start = (self._stream.start_time or 0) * self.time_base - self._start
            return self._stream.duration * self.time_base + start, [self._stream]
        if self._container.duration is None:
            return None, [self._stream]
        whole = Fraction(self._container.duration, av.time_base)
        # Matroska says when it ends, not how long it is.
        before = self._start if "matroska" in self._container.format.name else 0
        return whole - before, list(self._container.streams)

    def _decoded(self) -> Iterator[Any]:
        """Decoded frames, none of them damaged."""
        try:
            for packet in packets(self._container, self._measured):
                self._read_to = max(self._read_to, self._end_of(packet))
                if packet.stream_index == self._stream.index:
                    yield from self._frames_of(packet)
        except FFmpegError as error:
            self.notes.append(f"reading ended early: {why(error)}")
        end = av.Packet()  # empty: the frames that the decoder still has
        end.time_base = self.time_base
        yield from self._frames_of(end)
        if self._damaged:
            self.notes.append(f"{counted(self._damaged, 'damaged frame')} left out")

    def _frames_of(self, packet: Any) -> Iterator[Any]:
        try:
            frames = self._stream.decode(packet)
        except FFmpegError:
            self._damaged += 1
            return
        for frame in frames:
            if frame.is_corrupt:
                self._damaged += 1
                continue
            if self._container.format.name == "avi":
                frame.pts = self._from_dts(frame)
            yield frame

    def _from_dts(self, frame: Any) -> int | None:
        """The time of a frame whose container has times of packets only: frames come as they do."""
        if frame.dts is None:
            return None
        if self._delay is None:
            self._delay = frame.dts - (self._stream.start_time or 0)
        pts: int = frame.dts - self._delay
        return pts

    def _end_of(self, packet: Any) -> Fraction:
        shown_at = packet.dts if packet.pts is None else packet.pts
        if shown_at is None:
            return Fraction(0)
        end: Fraction = (shown_at + packet.duration) * packet.time_base - self._start
        return end


def _picture_of(container: Any, path: Path) -> Any:
    """The stream of moving pictures: the cover of an album is none."""
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & av.stream.Disposition.attached_pic
        and stream.codec_context is not None
    ]
    if not streams:
        raise VideoError(f"{shown(path)} has no pictures, only sound or text; give a video")
    best = container.streams.best("video")
    stream = best if best in streams else streams[0]
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MAX_PIXELS:
        raise VideoError(
            f"{shown(path)} has frames of {width} by {height} pixels, more than "
            f"{MAX_PIXELS // 1_000_000} million; make it smaller first"
        )
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    stream.thread_type = "AUTO"
    return stream
