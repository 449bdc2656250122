"""Which files of a folder are photos, which travel with one, and what are the others?

A companion is a file that belongs to a photo of the same name: what an editor wrote down (`.xmp`,
`.aae`), the film of a Live Photo (`.mov`), the camera's raw data beside its JPEG. It is copied,
moved and put back with its photo.
"""

import os
from collections.abc import Iterable, Mapping
from importlib.util import find_spec

from pilah import raw
from pilah.formats import is_photo_name

RAW = raw.SUFFIXES | {
    *(".crw", ".dcr", ".fff", ".gpr", ".kdc", ".mef", ".mos", ".mrw", ".raw", ".sr2", ".srf"),
    ".x3f",
}
SIDECAR = frozenset({".xmp", ".aae"})
LIVE = ".mov"
VIDEO = frozenset(
    {
        *(".3gp", ".avi", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts"),
        *(".webm", ".wmv"),
    }
)

NOT_THE_USERS_FOLDERS = frozenset(
    {
        *("@eadir", "@tmp", "@recycle", "@recently-snapshot", "@sharebin", "#recycle", "#snapshot"),
        *("$recycle.bin", "recycler", "recycled", "system volume information", "lost+found"),
        *("__macosx", "network trash folder", "temporary items"),
    }
)
"""Thumbnails, recycle bins and snapshots of network drives and operating systems, in lower case.

Those that begin with a dot (`.Trash-1000`, `.thumbnails`) are hidden folders anyway.
"""

NOT_THE_USERS_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini"})

WORDS = {
    "video": ("video", "videos"),
    "raw": ("RAW file without a JPEG", "RAW files without a JPEG"),
    "sidecar": ("edit file without its photo", "edit files without their photos"),
    "": ("file without an extension", "files without an extension"),
}
MOST_KINDS = 8


def companions(names: Iterable[str]) -> dict[str, list[str]]:
    """The photos of a folder, each with its companions.

    Where two photos have the same name but for the extension, a companion goes with the first.

    Args:
        names: all files of one folder.
    """
    names = sorted(names)
    photos = [name for name in names if is_photo_name(name)]
    stems = {_stem(name) for name in photos}
    photos += [name for name in names if _is_raw_photo(name) and _stem(name) not in stems]
    by_name = {name.lower(): name for name in reversed(photos)}
    by_stem = {_stem(name): name for name in reversed(photos)}
    found: dict[str, list[str]] = {name: [] for name in photos}
    for name in names:
        if name not in found and (owner := _owner(name, by_name, by_stem)):
            found[owner].append(name)
    return found


def _owner(name: str, by_name: Mapping[str, str], by_stem: Mapping[str, str]) -> str | None:
    stem, suffix = os.path.splitext(name.lower())
    if suffix in RAW or suffix == LIVE:
        return by_stem.get(stem)
    if suffix not in SIDECAR:
        return None
    inner, inner_suffix = os.path.splitext(stem)  # a.jpg.xmp, a.cr2.xmp
    of_raw = by_stem.get(inner) if inner_suffix in RAW else None
    return by_name.get(stem) or by_stem.get(stem) or of_raw


def kind_of(name: str) -> str | None:
    """What to count a file as that is left out; None for one that the system made for itself."""
    suffix = os.path.splitext(name)[1].lower()
    if name.lower() in NOT_THE_USERS_FILES:
        return None
    if suffix in VIDEO:
        return "video"
    if suffix in RAW:
        return "raw"
    return "sidecar" if suffix in SIDECAR else suffix


def in_words(skipped: Mapping[str, int]) -> str:
    """What was left out: `18 videos, 4 RAW files without a JPEG, 2 .txt files`."""
    ordered = sorted(skipped.items(), key=lambda item: (item[0] not in WORDS, -item[1], item[0]))
    parts = []
    for kind, number in ordered[:MOST_KINDS]:
        one, many = WORDS.get(kind, (f"{kind} file", f"{kind} files"))
        parts.append(f"{number:,} {one if number == 1 else many}")
    others = sum(number for _, number in ordered[MOST_KINDS:])
    if others:
        parts.append(f"{others:,} other {'file' if others == 1 else 'files'}")
    return ", ".join(parts)


def _is_raw_photo(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in raw.SUFFIXES and reads_raw()


def reads_raw() -> bool:
    """Whether the previews of RAW files can be read here, so that one without a JPEG is sorted."""
    return find_spec("rawpy") is not None


def _stem(name: str) -> str:
    return os.path.splitext(name)[0].lower()
