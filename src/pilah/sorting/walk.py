"""Which photos are meant by the files and folders that a user names?"""

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pilah.errors import SortError
from pilah.journals import JOURNALS
from pilah.sorting.kinds import NOT_THE_USERS_FOLDERS, companions, kind_of
from pilah.wording import reason_of, shown

MOST_VIDEOS = 500
"""Videos that are named; all are counted."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was found: its absolute path, size and time.

    Paths are text as Python gives it, so bytes that are not UTF-8 are surrogate escapes. A
    symbolic link has the size and time of the file that it leads to.
    """

    source: str
    size: int
    mtime_ns: int

    @property
    def key(self) -> tuple[str, int, int]:
        """What makes it the same file again: path, size and time."""
        return self.source, self.size, self.mtime_ns


@dataclass(frozen=True, slots=True)
class PhotoFile(File):
    """A photo to sort: `folder` is its folder below the source that it was found in."""

    folder: str = ""
    companions: tuple[File, ...] = ()


@dataclass(slots=True)
class Found:
    """What a walk found.

    `unopened` are (path, reason) of what must not or cannot be opened; `skipped` counts files that
    are not photos by kind (`kinds.py`), and `videos` are the first `MOST_VIDEOS` paths of those of
    the kind `video`; `earlier` are folders left out because pilah made them: a sort's, a video's.
    """

    photos: list[PhotoFile] = field(default_factory=list)
    unopened: list[tuple[str, str]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    videos: list[str] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)


class Walk:
    """One walk over what a user named; `found` fills as it goes."""

    def __init__(self, target: Path) -> None:
        """Begin a walk that leaves out the target."""
        self.found = Found()
        self._folders = {_identity(os.stat(target))} if target.exists() else set()
        self._files: set[tuple[int, int, str]] = set()  # a folder's identity and a name in it

    def add_folder(self, top: str) -> None:
        """Add the photos of a folder and its sub-folders."""
        for _ in self._each_folder(top):
            pass

    def folders(self, top: str) -> Iterator[Found]:
        """What a folder and its sub-folders hold, folder by folder, for who keeps no list.

        No file is remembered then: each folder is visited once, but one of its files that is named
        as well comes again.
        """
        for _ in self._each_folder(top):
            yield self.found
            self.found = Found()
            self._files.clear()

    def _each_folder(self, top: str) -> Iterator[None]:
        waiting = [(top, "")]
        while waiting:
            path, folder = waiting.pop()
            try:
                identity = _identity(os.stat(path))
                if identity in self._folders:
                    continue
                self._folders.add(identity)
                with os.scandir(path) as entries:
                    inside = [
                        (entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries
                    ]
            except OSError as error:
                self.found.unopened.append((path, reason_of(error)))
                yield
                continue
            if (".pilah", True) in inside and any(
                os.path.exists(os.path.join(path, JOURNALS[of])) for of in ("sort", "video")
            ):
                self.found.earlier.append(path)
                continue
            inside = sorted(pair for pair in inside if not pair[0].startswith("."))
            names = [name for name, is_folder in inside if not is_folder]
            self.add_files(path, names, names, folder)
            waiting += [
                (os.path.join(path, name), os.path.join(folder, name))
                for name, is_folder in reversed(inside)
                if is_folder and name.lower() not in NOT_THE_USERS_FOLDERS
            ]
            yield

    def add_files(self, parent: str, names: list[str], beside: list[str], folder: str) -> None:
        """Add files of one folder; `beside` are all that lie in it, for their companions."""
        groups = companions(beside)
        wanted = set(names)
        travelling = {name for photo in wanted & groups.keys() for name in groups[photo]}
        for name in names:
            if name not in travelling:
                self._add(parent, name, groups.get(name), folder)

    def _add(self, parent: str, name: str, beside: list[str] | None, folder: str) -> None:
        # Two ways to one folder must not make two photos of one file; two links may be two photos.
        key = (*_identity(os.stat(parent)), name)
        if key in self._files:
            return
        self._files.add(key)
        path = os.path.join(parent, name)
        try:
            status = os.stat(path)
        except OSError as error:
            if beside is not None:
                self.found.unopened.append((path, reason_of(error)))
            else:
                self._skip(path)
            return
        if stat.S_ISDIR(status.st_mode):
            return  # a link to a folder
        if not stat.S_ISREG(status.st_mode):
            self.found.unopened.append((path, "is a pipe, socket or device, not a file"))
        elif beside is None:
            self._skip(path)
        else:
            files = tuple(filter(None, (_file(os.path.join(parent, other)) for other in beside)))
            photo = PhotoFile(path, status.st_size, status.st_mtime_ns, folder, files)
            self.found.photos.append(photo)

    def _skip(self, path: str) -> None:
        kind = kind_of(os.path.basename(path))
        if kind is not None:
            self.found.skipped[kind] += 1
        if kind == "video" and len(self.found.videos) < MOST_VIDEOS:
            self.found.videos.append(path)


def find_photos(sources: Iterable[str], target: Path) -> Found:
    """List the photos in files and folders, in a steady order, without opening any file.

    A folder's files come before its sub-folders, each by name. Hidden files and folders, the
    target, folders that pilah made and those of the system (`kinds.py`) are left out, and
    so are folders that are symbolic links, which may make a loop, unless they are named as a
    source. What is named twice is listed once. Devices, pipes and sockets are never opened. The
    list is made before the sort begins because a move changes the folder under the walk, and
    because time left needs a total; 100,000 photos take some 30 MB.
    """
    walk = Walk(target)
    folders = set()
    named: dict[str, list[str]] = {}  # by folder: a photo and its companion may both be named
    for path in map(os.path.abspath, sources):
        if os.path.isdir(path):
            folders.add(path)
            named.setdefault(path, [])
        else:
            named.setdefault(os.path.dirname(path), []).append(os.path.basename(path))
    for path, names in named.items():
        if path in folders:
            walk.add_folder(path)
        if names:
            walk.add_files(path, names, _names_in(path) or names, "")
    return walk.found


def _file(path: str) -> File | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    is_file = stat.S_ISREG(status.st_mode)
    return File(path, status.st_size, status.st_mtime_ns) if is_file else None


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def refuse_source_inside(sources: Iterable[str], target: Path) -> None:
    """Refuse a source that lies in the target (a target in a source is allowed).

    Raises:
        SortError: a source is the target or lies inside it.
    """
    inside = os.path.realpath(target)
    for source in sources:
        path = os.path.realpath(source)
        if Path(path).is_relative_to(inside):
            raise SortError(
                f"{shown(source)} lies inside the target {shown(target)}; give a target outside "
                "the photos' folder, or a new folder in it"
            )


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
