"""The sound of a video goes into another: as it is where an MP4 may hold it, else as AAC."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from io import BytesIO
from typing import Any

from pilah.video.decode import Video
from pilah.video.ffmpeg import FFmpegError, av, of_disk, open_input, packets
from pilah.video.times import Times
from pilah.wording import counted

AAC_RATES = (
    *(96_000, 88_200, 64_000, 48_000, 44_100, 32_000),
    *(24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350),
)
"""Hertz."""


@dataclass(slots=True)
class _Voice:
    """Where one stream of sound goes, and its own times."""

    stream: Any
    copied: bool
    times: Times[Any] = field(default_factory=Times)
    written: int | None = None


class Sound:
    """The sound of a source; close it. `notes` say what is missing, once all is written.

    Where the source was joined of several files, each part's sound moves with its pictures.
    """

    def __init__(self, video: Video, made: Any) -> None:
        """Open the source once more, and add its streams to a file that is made.

        Raises:
            VideoError: the source cannot be read.
        """
        self.notes: list[str] = []
        self._video = video
        self._made = made
        self._source = open_input(video.path)
        self._start = Fraction(self._source.start_time or 0, av.time_base)
        self._voices: dict[int, _Voice] = {}
        for stream in self._source.streams.audio:
            context = stream.codec_context
            if context is None or not context.sample_rate:  # what damage made
                continue
            if _fits(stream):
                voice = _Voice(made.add_stream_from_template(stream), True)
            else:
                rate = min(AAC_RATES, key=lambda rate: abs(rate - context.sample_rate))
                voice = _Voice(made.add_stream("aac", rate=rate), False)
            self._voices[stream.index] = voice
        self._coming = self._read()
        self._next: tuple[Fraction, Any] | None = None
        self._all_seen = False
        self._damaged = 0
        self._lost = False

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def up_to(self, time: Fraction | None) -> None:
        """Write what sounds until then, or all the rest.

        Raises:
            FFmpegError: the disk fails.
        """
        self._all_seen = time is None
        while True:
            self._next = self._next or next(self._coming, None)
            if self._next is None or (time is not None and self._next[0] > time):
                break
            self._write(self._next[1])
            self._next = None
        if time is None:
            if self._damaged:
                self.notes.append(f"{counted(self._damaged, 'damaged packet')} of sound left out")
            if self._lost:
                self.notes.append("sound after a jump of its times left out")

    def _write(self, packet: Any) -> None:
        try:
            self._made.mux(packet)
        except FFmpegError as error:
            if of_disk(error):
                raise
            self._damaged += 1

    def _read(self) -> Iterator[tuple[Fraction, Any] | None]:
        """Packets to write, each with its time; None where that depends on pictures to come."""
        sources = [self._source.streams[index] for index in self._voices]
        try:
            for packet in packets(self._source, sources) if sources else ():
                voice = self._voices[packet.stream_index]
                said = packet.pts if packet.dts is None else packet.dts
                time = None if said is None else said * packet.time_base - self._start
                lasts = packet.duration * packet.time_base
                for placed in voice.times.add(time, lasts, packet):
                    yield from self._moved(voice, *placed)
        except FFmpegError:
            pass  # reading the pictures tells what is damaged
        for voice in self._voices.values():
            for placed in voice.times.end():
                yield from self._moved(voice, *placed)
            if not voice.copied:
                yield from self._growing(voice, self._encoded(voice.stream, None))

    def _moved(
        self, voice: _Voice, time: Fraction, part: int, packet: Any
    ) -> Iterator[tuple[Fraction, Any] | None]:
        """A packet at the time that its part's pictures have."""
        while part >= len(self._video.offsets):
            if self._all_seen:
                self._lost = True
                return
            yield None
        time += self._video.offsets[part] - voice.times.offsets[part]
        packet.pts = packet.dts = round(time / packet.time_base)
        if voice.copied:
            packet.stream = voice.stream
            yield from self._growing(voice, [packet])
        else:
            yield from self._growing(voice, self._encoded(voice.stream, packet))

    def _encoded(self, stream: Any, packet: Any) -> Iterator[Any]:
        """A packet as AAC; None gives what the encoder still has."""
        try:
            for frame in [None] if packet is None else packet.decode():
                yield from stream.encode(frame)
        except (FFmpegError, ValueError):
            self._damaged += 1

    def _growing(self, voice: _Voice, made: Any) -> Iterator[tuple[Fraction, Any]]:
        """Packets whose times go on, as a file must have them."""
        for packet in made:
            if packet.dts is not None and (voice.written is None or packet.dts > voice.written):
                voice.written = packet.dts
                yield packet.dts * packet.time_base, packet


def _fits(stream: Any) -> bool:
    """Whether an MP4 may hold a stream as it is."""
    try:
        with av.open(BytesIO(), "w", format="mp4") as made:
            made.add_stream_from_template(stream)
            made.start_encoding()
    except (FFmpegError, ValueError):
        return False
    return True
