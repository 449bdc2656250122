"""PyAV, imported here and nowhere else: it reads files of this machine only, and stays quiet."""

import os
import stat
from pathlib import Path

from pilah.errors import MissingExtra, VideoError
from pilah.wording import shown

try:
    import av
    from av.container import InputContainer
    from av.error import FFmpegError
    from av.sidedata.sidedata import Type as SideData
except ImportError:
    raise MissingExtra("reading videos", "video") from None

__all__ = ["FFmpegError", "InputContainer", "SideData", "av", "open_input", "why"]

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
        raise VideoError(
            f"{shown(path)} cannot be read as a video ({why(error)}); give a whole video file"
        ) from None


def why(error: Exception) -> str:
    """The reason in few words, without the path and the number that FFmpeg adds."""
    match error:
        case av.error.InvalidDataError():
            return "damaged, cut off, or no video"
        case av.error.ArgumentError():  # what `CONTAINERS` leaves out
            return "of a kind that is not supported"
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split()) or type(error).__name__
