"""A video file becomes stills: its frames, upright, with the times at which they are shown.

Times are exact: `pts * time_base`, from the start of the file as players count. What the file says
of its rotation and of pixels that are not square is applied, and interlaced frames are
deinterlaced. What cannot be read is left out and noted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pilah.errors import VideoError
from pilah.video.ffmpeg import FFmpegError, SideData, av, open_input, why
from pilah.wording import counted, shown

MAX_PIXELS = 40_000_000
"""Of one frame: more than 8K has; 120 MB when decoded."""

SHORT = Fraction(1)
"""Seconds that a video may end before its file says so; sound is often that much longer."""

UNSPECIFIED = 2
HIGH = 720


@dataclass(frozen=True, slots=True)
class Upright:
    """How a decoded frame becomes one as it is shown.

    `stored_hw` is its size with square pixels, before the rest. `transposed` exchanges its sides;
    then `flip_y` and `flip_x` mirror it. `matrix` is the file's own, for a file to be made from it.
    """

    stored_hw: tuple[int, int]
    transposed: bool = False
    flip_y: bool = False
    flip_x: bool = False
    matrix: tuple[int, ...] | None = None

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width as shown."""
        return self.stored_hw[::-1] if self.transposed else self.stored_hw

    def view(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Stored pixels (h, w, ...) as they are shown: the same memory, seen another way."""
        turned = pixels.swapaxes(0, 1) if self.transposed else pixels
        return turned[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]


@dataclass(frozen=True, slots=True)
class Still:
    """One frame: `time` in seconds from the start of the file; `frame` is PyAV's.

    Its methods raise a VideoError where the frame cannot be converted.
    """

    time: Fraction
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
        return self._converted(size_hw[1], size_hw[0], "yuv420p")

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
        self.seconds = self._duration()
        self._upright: Upright | None = None

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

    def stills(self) -> Iterator[Still]:
        """All frames in the order in which they are shown; once.

        Raises:
            VideoError: not one frame can be read.
        """
        last: Fraction | None = None
        back = 0
        for frame in self._frames():
            time = self._time(frame, last)
            if last is not None and time <= last:
                back += 1
                continue
            if self._upright is None:
                self._upright = _upright(frame, self._stream.sample_aspect_ratio)
            last = time
            yield Still(time, frame, self._upright)
        if last is None:
            reason = self.notes[0] if self.notes else "it has no frames"
            raise VideoError(f"{shown(self.path)} cannot be read as a video ({reason})")
        if back:
            self.notes.append(f"{counted(back, 'frame')} left out: their times go back")
        if self.seconds is not None and last + 1 / self.rate + SHORT < self.seconds:
            self.notes.append(f"cut off: ends at {float(last):.1f} s of {float(self.seconds):.1f}")

    def _duration(self) -> Fraction | None:
        """Of the pictures where the file has it, else of all that it holds."""
        if self._stream.duration is not None:
            start = (self._stream.start_time or 0) * self.time_base - self._start
            end: Fraction = self._stream.duration * self.time_base + start
            return end
        whole = self._container.duration
        return None if whole is None else Fraction(whole, av.time_base)

    def _time(self, frame: Any, last: Fraction | None) -> Fraction:
        if frame.pts is None or frame.time_base is None:
            return Fraction(0) if last is None else last + 1 / self.rate
        time: Fraction = frame.pts * frame.time_base - self._start
        return time

    def _frames(self) -> Iterator[Any]:
        """Decoded frames, none of them interlaced or damaged."""
        filtered: Any = None
        for frame in self._decoded():
            if filtered is None and frame.interlaced_frame:
                filtered = _deinterlacing(frame)
            try:
                if filtered is not None:
                    filtered.push(frame)
            except FFmpegError:  # another size from here on
                filtered = None
            if filtered is None:
                yield frame
            else:
                yield from _pulled(filtered)
        if filtered is not None:
            filtered.push(None)
            yield from _pulled(filtered)

    def _decoded(self) -> Iterator[Any]:
        damaged = 0
        try:
            for packet in self._container.demux(self._stream):
                try:
                    frames = packet.decode()
                except FFmpegError:
                    damaged += 1
                    continue
                for frame in frames:
                    if frame.is_corrupt:
                        damaged += 1
                    else:
                        yield frame
        except FFmpegError as error:
            self.notes.append(f"reading ended early: {why(error)}")
        if damaged:
            self.notes.append(f"{counted(damaged, 'damaged frame')} left out")


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


def _upright(frame: Any, aspect: Fraction | None) -> Upright:
    """What brings a video's frames upright, from its first."""
    width = max(1, round(frame.width * (aspect or 1)))
    for side in frame.side_data:
        if side.type == SideData.DISPLAYMATRIX:
            matrix = tuple(map(int, np.frombuffer(side, np.int32)))
            a, b, _, c, d, *_ = matrix
            if abs(b) + abs(c) > abs(a) + abs(d):
                return Upright((frame.height, width), True, b < 0, c < 0, matrix)
            return Upright((frame.height, width), False, d < 0, a < 0, matrix)
    return Upright((frame.height, width))


def _deinterlacing(frame: Any) -> Any:
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format,
        time_base=frame.time_base,
    )
    graph.link_nodes(
        source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink")
    ).configure()
    return graph


def _pulled(graph: Any) -> Iterator[Any]:
    while True:
        try:
            yield graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
