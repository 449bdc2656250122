"""What may be taken in from outside: limits, and photos, loose or in a .zip, written without harm.

Whatever is refused raises `Refused`, which says why in a word and in numbers; who shows it to a
person finds the sentence (`app/refusals.py` in the visitor's language).
"""

import errno
import os
import re
import stat
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from PIL import Image

from pilah.errors import PilahError
from pilah.files import free_name
from pilah.formats import is_photo_name

MEGABYTE = 1_000_000

MAX_UPLOAD_MB = 200
"""Of one uploaded file; Streamlit itself refuses larger ones."""

MAX_PHOTOS = 50
"""Photos looked at together on the Classify page."""

MAX_PIXELS = 60_000_000
"""Of one photo: more than cameras and phones take; 180 MB when decoded."""

MAX_ZIP_PHOTOS = 2_000
MAX_ZIP_ENTRIES = 10_000
MAX_UNPACKED_MB = 500
MAX_RATIO = 200
"""Unpacked to packed size of one file: photos, packed already, stay near 1; bombs reach 1,000."""

CHUNK = 2**20


class Refused(PilahError):
    """Something was not taken in: `why` in a word, and the `values` that its sentence names."""

    def __init__(self, why: str, **values: str | int) -> None:
        """Name why, and the numbers and names of the case."""
        self.why, self.values = why, values
        named = ", ".join(f"{name} {value}" for name, value in values.items())
        super().__init__(f"refused: {why}" + (f" ({named})" if named else ""))


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came in: photos written, other files ignored, and photos left out, with why."""

    photos: int
    ignored: int
    left_out: tuple[tuple[str, Refused], ...]


def check_count(number: int) -> None:
    """Refuse more photos than are looked at together.

    Raises:
        Refused: there are more than `MAX_PHOTOS`.
    """
    if number > MAX_PHOTOS:
        raise Refused("photos", number=number, most=MAX_PHOTOS)


def check_pixels(file: IO[bytes]) -> None:
    """Refuse a photo of too many pixels, by its header alone.

    What is no photo passes: reading it will say better what it is.

    Raises:
        Refused: it has more than `MAX_PIXELS`.
    """
    try:
        with Image.open(file) as image:
            width, height = image.size
    except Image.DecompressionBombError:
        raise Refused("huge", most=MAX_PIXELS // 1_000_000) from None
    except Exception:  # Pillow's plugins raise whatever a damaged file provokes
        return
    if width * height > MAX_PIXELS:
        raise Refused(
            "pixels",
            width=width,
            height=height,
            number=round(width * height / 1e6),
            most=MAX_PIXELS // 1_000_000,
        )


class NamedFile(Protocol):
    """An uploaded file: its name, below the folder that it came in, and its size in bytes."""

    name: str
    size: int

    def getbuffer(self) -> memoryview:
        """Its bytes."""


def take_in(files: Sequence[NamedFile], folder: Path) -> Unpacked:
    """Write uploaded photos, loose or in .zip files, into `folder`, keeping their own folders.

    Raises:
        Refused: they are too many or too large together, there is no photo, or a .zip is refused;
            nothing outside `folder` was written.
    """
    zips = [file for file in files if file.name.lower().endswith(".zip")]
    loose = [file for file in files if file not in zips]
    if sum(file.size for file in loose) > MAX_UNPACKED_MB * MEGABYTE:
        raise Refused("loose_size", most=MAX_UNPACKED_MB)
    room = MAX_UNPACKED_MB * MEGABYTE - sum(file.size for file in loose)
    parts = []
    for file in zips:
        try:
            parts.append(unpack(BytesIO(file.getbuffer()), folder, room - _bytes_in(folder)))
        except Refused as refused:
            together = refused.why == "zip_size" and len(files) > 1
            raise Refused("loose_size", most=MAX_UNPACKED_MB) if together else refused from None
    left_out = [each for part in parts for each in part.left_out]
    wanted = [file for file in loose if _is_wanted(file.name) and not _leads_out(file.name)]
    photos = sum(part.photos for part in parts) + len(wanted)
    if photos > MAX_ZIP_PHOTOS:
        raise Refused("loose_photos", number=photos, most=MAX_ZIP_PHOTOS)
    if not photos and not left_out:
        raise Refused("loose_empty")
    for file in wanted:
        path = _free_path(folder / file.name)
        try:
            check_pixels(BytesIO(file.getbuffer()))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.getbuffer())
        except Refused as refused:
            photos -= 1
            left_out.append((file.name, refused))
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise Refused("no_room") from None
            photos -= 1
            left_out.append((file.name, Refused("name_long")))
    ignored = sum(part.ignored for part in parts) + len(loose) - len(wanted)
    return Unpacked(photos, ignored, tuple(left_out))


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def unpack(file: IO[bytes], folder: Path, room: int | None = None) -> Unpacked:
    """Unpack the photos of a .zip into `folder`, keeping its own folders.

    Hidden files and what is not a photo by its name are ignored. Sizes are looked at before
    anything is written, and counted again while it is; `room` is how many bytes they may have, the
    limit by default. A backslash is a `/`, as Windows means it.

    Raises:
        Refused: it is no .zip, or not one that may be unpacked; nothing outside `folder` was
            written.
    """
    room = MAX_UNPACKED_MB * MEGABYTE if room is None else room
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            for entry in entries:
                entry.filename = entry.filename.replace("\\", "/")
            entries = [entry for entry in entries if not entry.is_dir()]
            _check_archive(entries, room)
            wanted = [entry for entry in entries if _is_wanted(entry.filename)]
            if len(wanted) > MAX_ZIP_PHOTOS:
                raise Refused("zip_photos", number=len(wanted), most=MAX_ZIP_PHOTOS)
            if not wanted:
                raise Refused("zip_empty")
            left_out = tuple(_write_all(archive, wanted, folder, room))
    except Refused:
        raise
    except Exception:  # zipfile raises whatever damage provokes
        raise Refused("zip_damaged") from None
    if all(refused.why == "zip_entry" for _, refused in left_out) and len(left_out) == len(wanted):
        raise Refused("zip_damaged")
    return Unpacked(len(wanted) - len(left_out), len(entries) - len(wanted), left_out)


def _check_archive(entries: list[zipfile.ZipInfo], room: int) -> None:
    if len(entries) > MAX_ZIP_ENTRIES:
        raise Refused("zip_entries", number=len(entries), most=MAX_ZIP_ENTRIES)
    if sum(entry.file_size for entry in entries) > room:
        raise Refused("zip_size", most=MAX_UNPACKED_MB)
    for entry in entries:
        if _leads_out(entry.filename):
            raise Refused("zip_path", name=entry.filename)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise Refused("zip_link", name=entry.filename)
        if entry.flag_bits & 1:
            raise Refused("zip_password")
        packed_well = entry.file_size > MAX_RATIO * max(1, entry.compress_size)
        if packed_well and entry.file_size > MEGABYTE:
            raise Refused("zip_bomb", name=entry.filename)


def _leads_out(name: str) -> bool:
    parts = name.split("/")  # and a colon is a drive on Windows
    return ".." in parts or parts[0] == "" or re.match("[A-Za-z]:", name) is not None


def _is_wanted(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return not hidden and is_photo_name(name)


def _write_all(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], folder: Path, room: int
) -> Iterator[tuple[str, Refused]]:
    """Write every photo; give the name of each that was left out, and why."""
    for entry in entries:
        path = _free_path(folder / entry.filename)
        try:
            room -= _write(archive, entry, path, room)
            check_pixels(BytesIO(path.read_bytes()))
        except Refused as refused:
            if refused.why not in ("pixels", "huge", "zip_entry"):
                raise
            path.unlink(missing_ok=True)
            yield entry.filename, refused


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, room: int) -> int:
    """Write one entry and return its bytes; no more than `room`, whatever its header says."""
    size = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as unpacked:
            for chunk in _chunks(archive, entry):
                size += len(chunk)
                if size > room:
                    raise Refused("zip_size", most=MAX_UNPACKED_MB)
                unpacked.write(chunk)
    except OSError:  # a name that no file can have here, or no room left
        raise Refused("zip_unwritable") from None
    return size


def _chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(entry) as packed:
            while chunk := packed.read(CHUNK):
                yield chunk
    except Exception:  # each way to pack has errors of its own
        raise Refused("zip_entry") from None


def _free_path(path: Path) -> Path:
    """The path itself, or with a number: a .zip may hold one name twice."""
    # os.path, for a name that is too long to ask for is not there
    free = free_name(path.name, lambda name: os.path.exists(path.with_name(name)))
    return path.with_name(free)
