"""Which photos does a user mean? Folders, patterns, lists and tables become a stream of `Listed`.

A folder is searched as `pilah sort` searches it: videos, hidden files and files that are no photos
are left out, counted by kind. What a list or a table names is a photo, whatever its name: if it is
none, its row says so. Nothing but names is held, and of those one folder's at a time.
"""

import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pilah.cluster import remote
from pilah.cluster.listing import Listed
from pilah.cluster.lists import TABLE, TEXT_LISTS, check_table, check_text, lines, one, rows
from pilah.errors import DataError
from pilah.formats import is_photo_name
from pilah.sorting.kinds import NOT_THE_USERS_FOLDERS, RAW, companions, kind_of
from pilah.sorting.walk import Walk
from pilah.wording import reason_of, shown


@dataclass(slots=True)
class Sources:
    """What a user named, checked; `listed` streams it.

    `skipped` counts other files by kind, `earlier` are folders left out because pilah made them.
    """

    named: Sequence[str]
    target: Path
    skipped: Counter[str] = field(default_factory=Counter)
    earlier: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Refuse a source that cannot be listed at all, before any work.

        Raises:
            DataError: one does not exist, is of no kind that is known, or cannot be read.
        """
        for source in self.named:
            first = next(self._meant(source), None)
            if first is None:
                raise DataError(f"nothing matches {shown(source)}; check the pattern")
            if not _has_magic(source):
                self._check_one(source)
        if next(self.listed(), None) is None:
            made = ", ".join(self.earlier)
            why = f" (made by pilah, so left out: {shown(made)})" if made else ""
            raise DataError(
                f"there are no photos in {shown(', '.join(self.named))}{why}; give folders of "
                "photos, or lists by their own names, such as 'FOLDER/*.parquet'"
            )

    def listed(self) -> Iterator[Listed]:
        """Each photo that is meant, more than once if it is named more than once.

        Raises:
            DataError: a list or a remote folder cannot be read to its end.
        """
        self.skipped.clear()
        self.earlier.clear()
        walk = Walk(self.target)
        for source in self.named:
            for meant in self._meant(source):
                yield from self._listed(meant, walk, source)

    def _meant(self, source: str) -> Iterator[str]:
        """The files and folders that a source stands for: itself, or what matches its pattern."""
        if not _has_magic(source):
            yield source
        elif remote.is_uri(source):
            yield from remote.matches(source)
        else:
            yield from glob.iglob(source, recursive=True)

    def _check_one(self, source: str) -> None:
        kind = _kind(source)
        if not kind:
            raise DataError(
                f"{shown(source)} does not exist; give a folder, a pattern, a photo, or a list of "
                "photos (.txt, .parquet)"
            )
        if kind == "other":
            raise DataError(f"{shown(source)} is a pipe, socket or device; give a file or a folder")
        if kind == "folder":
            if remote.is_uri(source):
                remote.entries(source)
            else:
                try:
                    os.scandir(source).close()
                except OSError as error:
                    raise DataError(
                        f"{shown(source)} cannot be listed ({reason_of(error)})"
                    ) from None
        elif source.lower().endswith(TABLE):
            check_table(source)
        elif source.lower().endswith(TEXT_LISTS):
            check_text(source)
        elif not _is_photo(source):
            raise DataError(
                f"{shown(source)} is neither a photo nor a list of photos; give a folder, a "
                "pattern, a photo, a text file of paths that ends with .txt, or a .parquet"
            )

    def _listed(self, source: str, walk: Walk, named: str) -> Iterator[Listed]:
        """What one source holds; a list counts where its ending is `named`, not beside photos."""
        name, ending = source.lower(), named.lower()
        kind = _kind(source)
        if kind == "folder" and remote.is_uri(source):
            yield from self._remote_folder(source)
        elif kind == "folder":
            yield from self._folder(os.path.abspath(source), walk)
        elif kind in ("", "other"):
            return  # a pattern's last part is not there, or it has gone since it was checked
        elif name.endswith(TABLE) and ending.endswith(TABLE):
            yield from rows(source)
        elif name.endswith(TEXT_LISTS) and ending.endswith(TEXT_LISTS):
            yield from lines(source)
        elif source == named or _is_photo(source):
            yield one(source)
        else:
            self._skip(os.path.basename(source))

    def _folder(self, top: str, walk: Walk) -> Iterator[Listed]:
        for found in walk.folders(top):
            for photo in found.photos:
                yield Listed(photo.source, size=photo.size)
            for path, why in found.unopened:
                yield Listed(path, error=why)
            self.skipped.update(found.skipped)
            self.earlier += found.earlier
        self.earlier += walk.found.earlier
        walk.found.earlier.clear()

    def _remote_folder(self, top: str) -> Iterator[Listed]:
        waiting = [top]
        while waiting:
            inside = [e for e in remote.entries(waiting.pop()) if not e.name.startswith(".")]
            files = {entry.name: entry for entry in inside if not entry.is_folder}
            groups = companions(files)
            travelling = {name for names in groups.values() for name in names}
            for name, entry in files.items():
                if name in groups:
                    yield Listed(entry.uri, size=entry.size)
                elif name not in travelling:
                    self._skip(name)
            waiting += [
                entry.uri
                for entry in reversed(inside)
                if entry.is_folder and entry.name.lower() not in NOT_THE_USERS_FOLDERS
            ]

    def _skip(self, name: str) -> None:
        kind = kind_of(name)
        if kind is not None:
            self.skipped[kind] += 1


def _kind(source: str) -> str:
    """What a source is: `file`, `folder`, `other`, or nothing (an empty text)."""
    if remote.is_uri(source):
        return remote.kind_of(source)
    if os.path.isdir(source):
        return "folder"
    return "file" if os.path.isfile(source) else "other" if os.path.exists(source) else ""


def _has_magic(source: str) -> bool:
    """Whether a source is a pattern; a file that is called so is meant itself."""
    return bool(remote.MAGIC.search(source)) and (
        (remote.is_uri(source) and not source.startswith(("http://", "https://")))
        or (not remote.is_uri(source) and not os.path.lexists(source))
    )


def _is_photo(name: str) -> bool:
    try:
        path = urlsplit(name).path if remote.is_uri(name) else name
    except ValueError:  # no URI after all
        return False
    return is_photo_name(path) or os.path.splitext(path)[1].lower() in RAW
