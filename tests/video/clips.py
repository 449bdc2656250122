"""Clips made from still portraits that move: who is in the picture, and when, is known."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from pilah import figures
from pilah.video.decode import Video

RATE = 25
SIZE_HW = (360, 640)
SMALL_HW = (96, 160)
THOUSANDTH = Fraction(1, 1000)
HERTZ = 48_000

Place = tuple[float, float, float]
"""Centre of a portrait, x and y, and its height, in pixels."""


def collins() -> Image.Image:
    """Eileen Collins, labelled female; the face is in the middle."""
    return Image.fromarray(skimage.data.astronaut()).crop((124, 0, 324, 230))


def hopper() -> Image.Image:
    """Grace Hopper, labelled male by the model; the face is in the middle."""
    photo = Path(figures.mpl.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    return Image.open(photo).convert("RGB").crop((120, 30, 400, 350))


@dataclass(frozen=True)
class Actor:
    """A portrait and where it is at a time in seconds, None where it is not in the picture."""

    portrait: Image.Image
    place: Callable[[float], Place | None]


def still_at(x: float, y: float, height: float) -> Callable[[float], Place]:
    return lambda time: (x, y, height)


def between(start: float, end: float, place: Callable[[float], Place]) -> Callable[[float], Any]:
    return lambda time: place(time) if start <= time < end else None


def moving(a: Place, b: Place, seconds: float) -> Callable[[float], Place]:
    """From one place to the other in so many seconds."""

    def place(time: float) -> Place:
        share = time / seconds
        x, y, height = (p + share * (q - p) for p, q in zip(a, b, strict=True))
        return x, y, height

    return place


def pictures(
    actors: Sequence[Actor],
    seconds: float,
    *,
    size_hw: tuple[int, int] = SIZE_HW,
    rate: int = RATE,
    hue: Callable[[float], int] = lambda time: 0,
) -> Iterable[NDArray[np.uint8]]:
    """The frames; the background is a slope of grey, tinted by `hue` (0, 1 or 2)."""
    height, width = size_hw
    slope = np.linspace(60, 160, width)[None, :] + np.linspace(0, 60, height)[:, None]
    for number in range(round(seconds * rate)):
        time = number / rate
        tint = np.ones(3)
        tint[hue(time)] = 1.15
        page = Image.fromarray((slope[..., None] * tint).clip(0, 255).astype(np.uint8))
        for actor in actors:
            if (place := actor.place(time)) is not None:
                x, y, high = place
                wide = high * actor.portrait.width / actor.portrait.height
                small = actor.portrait.resize((max(1, round(wide)), max(1, round(high))))
                page.paste(small, (round(x - wide / 2), round(y - high / 2)))
        yield np.asarray(page)


def frames(seconds: float = 1, size_hw: tuple[int, int] = SMALL_HW) -> list[NDArray[np.uint8]]:
    """Small frames: Hopper walks from left to right."""
    height, width = size_hw
    walk = moving((40, height / 2, height * 0.8), (width - 40, height / 2, height * 0.8), seconds)
    return list(pictures([Actor(hopper(), walk)], seconds, size_hw=size_hw))


def read(path: Path) -> tuple[list[Fraction], list[NDArray[np.uint8]], list[str]]:
    """Times and pixels of all stills, and the notes."""
    with Video(path) as video:
        stills = [(still.time, still.pixels()) for still in video.stills()]
    return [time for time, _ in stills], [pixels for _, pixels in stills], video.notes


def write_clip(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    *,
    rate: int = RATE,
    times: Sequence[Fraction] | None = None,
    rotation: int = 0,
    mirrored: bool = False,
    encoder: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    muxing: dict[str, str] | None = None,
    aspect: Fraction | None = None,
    sound: str | None = None,
) -> Path:
    """Write frames as a video: at `rate`, or at `times` in thousandths of a second.

    `rotation` is by how many degrees clockwise a player has to turn the frames. `sound` is an
    encoder of sound.
    """
    with av.open(str(path), "w", options=muxing or {}) as made:
        stream: Any = None
        voice: Any = made.add_stream(sound, rate=HERTZ) if sound else None
        for number, frame in enumerate(frames):
            if stream is None:
                quick = {"preset": "ultrafast"} if encoder == "libx264" else {}
                stream = made.add_stream(encoder, rate=rate, options=quick | (options or {}))
                stream.height, stream.width = frame.shape[:2]
                stream.pix_fmt = pixels
                if times is not None:
                    stream.codec_context.time_base = THOUSANDTH
                if aspect is not None:
                    stream.codec_context.sample_aspect_ratio = aspect
                if rotation or mirrored:
                    stream.set_display_rotation(-rotation % 360, hflip=mirrored)
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            time = Fraction(number, rate) if times is None else times[number]
            base = Fraction(1, rate) if times is None else THOUSANDTH
            picture.pts, picture.time_base = round(time / base), base
            made.mux(stream.encode(picture))
            if voice is not None:
                made.mux(voice.encode(_beep(number, rate)))
        made.mux(stream.encode())
        if voice is not None:
            made.mux(voice.encode())
    return path


def _beep(number: int, rate: int) -> av.AudioFrame:
    samples = HERTZ // rate
    phase = (np.arange(samples) + number * samples) * 440 * 2 * np.pi / HERTZ
    tone = (np.sin(phase) * 8000).astype(np.int16)[None]
    beep = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
    beep.sample_rate, beep.pts, beep.time_base = HERTZ, number * samples, Fraction(1, HERTZ)
    return beep


def turned(frames: Iterable[NDArray[np.uint8]], rotation: int) -> Iterable[NDArray[np.uint8]]:
    """Frames as a camera stores them that was held so that players turn them by `rotation`."""
    for frame in frames:
        yield np.ascontiguousarray(np.rot90(frame, rotation // 90))
