"""Which photos are there to classify? A list on disk, each path once, cut into portions.

The list is one SQLite file, `DIR/.pilah/listing.sqlite`, because it must be three things at once:
larger than memory, free of repetitions however often a path is named, and whole after a kill at any
moment. It is written in the order in which photos are found and only ever grows; the portions cut
from it stay as they are. SQLite's lock also keeps a second run out of the folder.
"""

import hashlib
import os
import sqlite3
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from pilah.errors import DataError
from pilah.journals import JOURNALS
from pilah.wording import shown

NAME = JOURNALS["classify"]

LEAST = 64
"""Photos in each of the first portions: some seconds of work, all that a killed actor repeats."""

MOST = 4096
"""Photos in a portion of a long list, so that a billion photos are 250,000 shards."""

GROWING = 64
"""After so many portions they hold `LEAST` photos more."""

HEAVY = 512 * 2**20
"""Bytes after which a portion ends early, where sizes are known: large photos take longer."""

AT_ONCE = 10_000
"""Photos after which a transaction ends: each costs less in a large one, and a kill little more."""

DIGEST = 16
"""Bytes of a path's BLAKE2b: two of a billion paths are alike with a probability below 1e-20."""

TABLES = """
CREATE TABLE IF NOT EXISTS asked (text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS seen (digest BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS photos (
    number INTEGER PRIMARY KEY, path BLOB NOT NULL, file BLOB, "group" INTEGER, row INTEGER,
    error TEXT
);
CREATE TABLE IF NOT EXISTS portions (
    number INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL
);
"""
ADD = "INSERT INTO photos (path, file, 'group', row, error) VALUES (?, ?, ?, ?, ?)"
GET = 'SELECT path, file, "group", row, error FROM photos WHERE number BETWEEN ? AND ?'


@dataclass(frozen=True, slots=True)
class Listed:
    """A photo to classify.

    `path` is what its row is called: an absolute path, a URI, or the name that a Parquet file gives
    it. Where the photo's bytes lie in a Parquet `file` (a path or URI), `group` is the row group
    there and `row` the row in that group, from 0. `error` is why it cannot be opened, where that is
    known already; `size` is in bytes, None where it is not known. `by_row` is what a photo of a
    Parquet file is called where another has its path; what is read back from a list has none.
    """

    path: str
    file: str | None = None
    group: int | None = None
    row: int | None = None
    error: str | None = None
    size: int | None = None
    by_row: str | None = None


@dataclass(frozen=True, slots=True)
class Portion:
    """Photos that are done together, and become one shard of the same number."""

    number: int
    photos: tuple[Listed, ...]


class Listing:
    """The list of one folder, open for one process; use it as a context."""

    def __init__(self, folder: Path, asked: str, *, may_begin: bool = True) -> None:
        """Open the list of `folder`, or begin one.

        Args:
            folder: the folder that the shards go to.
            asked: how photos are answered; a list is of one way only.
            may_begin: whether it may be a new one, as where there are no shards yet.

        Raises:
            DataError: another run has it, its photos were answered in another way, it is damaged,
                or the disk refuses.
        """
        self._folder = folder
        path = folder / NAME
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path, timeout=0, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise self.refused(error) from None
        try:
            self._open(asked, may_begin)
        except sqlite3.Error as error:
            self._base.close()
            raise self.refused(error) from None
        except DataError:
            self._base.close()
            raise

    def _open(self, asked: str, may_begin: bool) -> None:
        # The lock is held until the list is closed: a write-ahead log then needs no shared memory,
        # which network folders lack.
        self._base.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._base.execute("PRAGMA journal_mode = WAL")
        self._base.execute("PRAGMA synchronous = FULL")
        self._base.execute("PRAGMA cache_size = -65536")
        self._base.execute("PRAGMA wal_autocheckpoint = 20000")  # pages: 80 MB at once, not 4
        self._base.execute("BEGIN IMMEDIATE")
        for statement in TABLES.split(";"):
            self._base.execute(statement)
        before = self._base.execute("SELECT text FROM asked").fetchone()
        if before is None and not may_begin:
            raise DataError(
                f"{shown(self._folder)} has shards, but not the list that they are of ({NAME}); "
                "give another --to"
            )
        if before is None:
            self._base.execute("INSERT INTO asked VALUES (?)", (asked,))
        self._base.execute("COMMIT")
        if before is not None and before[0] != asked:
            raise DataError(
                f"{shown(self._folder)} has answers by {before[0]}, not by {asked}; give the same "
                "options again, or another --to"
            )

    @property
    def photos(self) -> int:
        """How many photos are listed."""
        return int(self._one("SELECT coalesce(max(number), 0) FROM photos"))

    def add(self, photos: Iterable[Listed]) -> Iterator[int]:
        """List photos that are not listed yet, and yield how many are, now and then.

        Raises:
            DataError: the disk refuses; what was yielded before stays listed.
        """
        number = int(self._one("SELECT coalesce(max(number), -1) FROM portions")) + 1
        count, weight = self.photos, 0
        kept = count
        waiting: list[Listed] = []
        try:
            self._base.execute("BEGIN")
            for photo in photos:
                # before its digest is written, which may not be in a transaction before its own
                if waiting and _is_full(len(waiting), weight, number, waiting[-1], photo):
                    count = self._cut(number, count, waiting)
                    if count - kept >= AT_ONCE:
                        self._base.execute("COMMIT")
                        kept = count
                        yield count
                        self._base.execute("BEGIN")
                    number, waiting, weight = number + 1, [], 0
                if not self._is_new(photo.by_row or photo.path):
                    continue
                if photo.by_row not in (None, photo.path) and not self._is_new(photo.path):
                    photo = replace(photo, path=photo.by_row)
                waiting.append(photo)
                weight += photo.size or 0
            if waiting:
                count = self._cut(number, count, waiting)
            self._base.execute("COMMIT")
            yield count
        except sqlite3.Error as error:
            raise self.refused(error) from None

    def _is_new(self, name: str) -> bool:
        """Whether a photo is not listed yet; from now on it is."""
        digest = hashlib.blake2b(os.fsencode(name), digest_size=DIGEST).digest()
        new = self._base.execute("INSERT OR IGNORE INTO seen VALUES (?)", (digest,))
        return bool(new.rowcount)

    def _cut(self, number: int, count: int, photos: list[Listed]) -> int:
        """Write a portion, in the transaction that has the digests of its photos."""
        self._base.executemany(
            ADD,
            (
                (
                    os.fsencode(photo.path),
                    photo.file and os.fsencode(photo.file),
                    photo.group,
                    photo.row,
                    photo.error,
                )
                for photo in photos
            ),
        )
        last = count + len(photos)
        self._base.execute("INSERT INTO portions VALUES (?, ?, ?)", (number, count + 1, last))
        return last

    def portions(self, *, without: Container[int]) -> Iterator[Portion]:
        """The portions whose number is not in `without`, read as they are needed."""
        cuts = self._base.execute("SELECT number, first, last FROM portions ORDER BY number")
        for number, first, last in cuts:
            if number not in without:
                rows = self._base.execute(GET, (first, last))
                yield Portion(number, tuple(_listed(*row) for row in rows))

    def photos_of(self, *, without: Container[int]) -> int:
        """How many photos the portions have whose number is not in `without`."""
        cuts = self._base.execute("SELECT number, first, last FROM portions")
        return sum(last - first + 1 for number, first, last in cuts if number not in without)

    def _one(self, query: str) -> Any:
        return self._base.execute(query).fetchone()[0]

    def refused(self, error: OSError | sqlite3.Error) -> DataError:
        """What to say where the list cannot be read or written."""
        where = shown(self._folder)
        if "locked" in str(error):
            return DataError(
                f"{where} is in use by another pilah classify; wait until it has ended, or give "
                "another --to"
            )
        if "malformed" in str(error) or "not a database" in str(error):
            return DataError(f"the list of {where} ({NAME}) is damaged; give another --to")
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return DataError(
            f"cannot write into {where} ({reason}); make room or give another --to, then run the "
            "same command again to resume"
        )

    def __enter__(self) -> Self:
        """The list itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file, and let others have it."""
        self._base.close()


def _is_full(number_of_photos: int, weight: int, number: int, last: Listed, new: Listed) -> bool:
    """Whether a portion ends before a new photo.

    One of a Parquet file's photos ends with a row group where it can: a group is read from its
    start.
    """
    if number_of_photos >= MOST:
        return True
    size = min(MOST, LEAST * (1 + number // GROWING))
    inside = last.file is not None and (last.file, last.group) == (new.file, new.group)
    return not inside and (number_of_photos >= size or weight >= HEAVY)


def _listed(
    path: bytes, file: bytes | None, group: int | None, row: int | None, error: str | None
) -> Listed:
    return Listed(os.fsdecode(path), os.fsdecode(file) if file else None, group, row, error)
