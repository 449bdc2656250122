"""Which name does a file get in the target: its own, or the first of `x (2).jpg`… that is free?"""

import errno
import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from pilah.files import shortened
from pilah.sorting.bins import Bin
from pilah.sorting.walk import PhotoFile


class Names:
    """Hands out names in one target; a name is given once, and never that of a file there."""

    def __init__(self, target: Path, taken: Iterable[str], *, freed: Iterable[str] = ()) -> None:
        """Begin with paths, relative to the target, that are no longer or again to be given.

        Args:
            target: the folder that is sorted into.
            taken: what is never to be given, whether a file is there or not.
            freed: what may be given although it is taken, or a file is there still.
        """
        self._target = target
        self._freed = set(freed)
        self._taken = set(taken) - self._freed
        self._next: dict[str, int] = {}

    def free(self, folder: str, names: Sequence[str]) -> list[str]:
        """Names for a photo and its companions, all with the same number.

        Args:
            folder: relative to the target.
            names: the photo's name, then those of its companions, which begin as its stem does.

        Returns:
            The paths, relative to the target.

        Raises:
            NotADirectoryError: a file has the name of the folder.
        """
        self._refuse_file(folder)
        stem = os.path.splitext(names[0])[0]
        endings = [name[len(stem) :] for name in names]
        wish = os.path.join(folder, names[0])
        count = self._next.get(wish, 1)
        while True:
            mark = f" ({count})" if count > 1 else ""
            longest = mark + max(endings, key=lambda ending: len(os.fsencode(ending)))
            length = len(shortened(stem, longest)) - len(longest)
            paths = [
                os.path.join(folder, name[:length] + mark + ending)
                for name, ending in zip(names, endings, strict=True)
            ]
            count += 1
            if not any(map(self._is_taken, paths)):
                self._next[wish] = count
                self._taken.update(paths)
                return paths

    def give_back(self, paths: Iterable[str]) -> None:
        """Let names be given again, for their files are gone."""
        self._taken.difference_update(paths)
        self._next.clear()

    def _is_taken(self, path: str) -> bool:
        is_there = path not in self._freed and os.path.lexists(os.path.join(self._target, path))
        return path in self._taken or is_there

    def _refuse_file(self, folder: str) -> None:
        while folder:
            path = os.path.join(self._target, folder)
            if not os.path.isdir(path) and os.path.lexists(path):
                raise NotADirectoryError(
                    errno.ENOTDIR, f"a file is in the way of the folder {folder}", path
                )
            folder = os.path.dirname(folder)


def folder_of(photo: PhotoFile, bin: Bin, *, tree: bool) -> str:
    """The folder of a photo in the target: its bin, with `tree` and its folder in the source."""
    return os.path.join(bin, photo.folder) if tree and photo.folder else bin


def crop_name(photo: PhotoFile, count: int) -> str:
    """The name of the crop of a photo's `count`-th face, counted from 1."""
    return f"{PurePath(photo.source).stem} face {count}.jpg"
