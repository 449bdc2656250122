"""PyAV, imported here and nowhere else: it reads files of this machine only, and stays quiet."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pilah.errors import MissingExtra, VideoError
from pilah.wording import shown

try:
    import av
    from av.codec.context import Flags
    from av.container import InputContainer
    from av.error import FFmpegError
    from av.sidedata.sidedata import Type as SideData
except ImportError:
    raise MissingExtra("reading videos", "video") from None

__all__ = [
    "FFmpegError",
    "Flags",
    "InputContainer",
    "SideData",
    "av",
    "of_disk",
    "open_input",
    "packets",
    "why",
]

DISK = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE),
    *(errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENXIO),
    *(errno.EMFILE, errno.ENFILE),
}

CONTAINERS = (
    *("mov", "matroska", "webm", "avi", "mpegts", "mpeg", "asf", "flv", "ogg", "mxf", "dv", "ivf"),
    *("h264", "hevc", "m4v", "mpegvideo"),
)
"""FFmpeg's names of the containers that are read. Playlists, which name other files and hosts, are
not among them."""


def open_input(path: Path) -> InputContainer:
    """Open a video file, without decoding anything.

    Raises:
        VideoError: it is not a file, or not a video that FFmpeg reads.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise VideoError(f"no video at {shown(path)}; give a file that exists") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise VideoError(f"{shown(path)} cannot be opened ({why(error)})") from None
    if not stat.S_ISREG(status.st_mode):
        raise VideoError(f"{shown(path)} is not a file; give one video")
    if not status.st_size:
        raise VideoError(f"{shown(path)} is an empty file; give a video")
    limits = {"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "file"}
    try:
        return av.open(
            os.path.abspath(path), options=limits, metadata_errors="replace"
        )  # absolute: a name like `http:x` is no address
    except Exception as error:  # FFmpeg's errors, and whatever damage provokes in PyAV
        other = isinstance(error, av.error.ArgumentError)  # what `CONTAINERS` leaves out
        what = "an MP4, MKV, WebM, AVI or MPEG file" if other else "a whole video file"
        raise VideoError(
            f"{shown(path)} cannot be read as a video ({why(error)}); give {what}"
        ) from None


def packets(container: InputContainer, streams: Sequence[Any]) -> Iterator[Any]:
    """The packets of these streams, without the empty ones that PyAV adds for a decoder's end.

    Raises:
        FFmpegError: reading ended early.
    """
    try:
        for packet in container.demux(*streams):
            if packet.size:
                yield packet
    except IndexError:  # past the last packet, where a stream appeared that PyAV has not counted
        return


def of_disk(error: FFmpegError) -> bool:
    """Whether the disk, and not the file's content, is at fault."""
    return error.errno in DISK


def why(error: Exception) -> str:
    """The reason in few words, without the path and the number that FFmpeg adds."""
    match error:
        case av.error.InvalidDataError():
            return "damaged, cut off, or no video"
        case av.error.ArgumentError():
            return "of a kind that is not supported"
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split()) or type(error).__name__
