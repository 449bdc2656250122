"""What is listed becomes photos: paths as they are, bytes from elsewhere a little ahead of need.

Only the process that asks for the answers calls this, so that paths travel between machines, and
bytes do not.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from itertools import groupby
from threading import Thread

from pilah.cluster import remote
from pilah.cluster.listing import Listed
from pilah.cluster.lists import columns, table
from pilah.errors import DataError

AT_ONCE = 8
"""Remote files that are fetched at once: waiting for them costs more than the photos' work."""

AHEAD_BYTES = 64 * 2**20
"""Fetched bytes that may wait for their turn; one photo may be more."""

ROWS_AT_ONCE = 8
"""Photos of a Parquet file that are held at once."""


class FetchError(Exception):
    """A photo cannot be had; the text is why."""


def photos_of(listed: Sequence[Listed]) -> Iterator[str | bytes | FetchError]:
    """For each photo that is listed its path or bytes, or why it cannot be had, in order."""
    for place, group in groupby(listed, key=_place):
        if place == "known":
            yield from (FetchError(photo.error) for photo in group)
        elif place == "path":
            yield from (photo.path for photo in group)
        elif place == "uri":
            yield from _fetched([photo.path for photo in group])
        else:
            yield from _rows(list(group))


def _place(photo: Listed) -> object:
    if photo.error is not None:
        return "known"
    if photo.file is not None:
        return photo.file, photo.group
    return "uri" if remote.is_uri(photo.path) else "path"


def _fetched(uris: Sequence[str]) -> Iterator[bytes | FetchError]:
    waiting: deque[Future[bytes | FetchError]] = deque()
    coming = iter(uris)
    while True:
        while len(waiting) < AT_ONCE and _bytes_of(waiting) < AHEAD_BYTES:
            uri = next(coming, None)
            if uri is None:
                break
            waiting.append(_begun(uri))
        if not waiting:
            return
        yield waiting.popleft().result()


def _begun(uri: str) -> Future[bytes | FetchError]:
    """Fetch in a thread that no end of the program waits for, as it would for a pool's."""
    made: Future[bytes | FetchError] = Future()
    Thread(target=lambda: made.set_result(_fetch(uri)), daemon=True).start()
    return made


def _fetch(uri: str) -> bytes | FetchError:
    try:
        return remote.fetched(uri)
    except Exception as error:  # of many libraries; one photo must not end a run
        return FetchError(f"not fetched: {remote.reason(error)}")


def _bytes_of(waiting: deque[Future[bytes | FetchError]]) -> int:
    done = (future.result() for future in waiting if future.done())
    return sum(len(content) for content in done if isinstance(content, bytes))


def _rows(photos: Sequence[Listed]) -> Iterator[bytes | FetchError]:
    """The photos of one row group, which is read from its start to the last of them."""
    file, group = photos[0].file, photos[0].group
    assert file is not None
    given = 0
    try:
        with table(file) as opened:
            _, column = columns(opened, file)
            batches = opened.iter_batches(ROWS_AT_ONCE, row_groups=[group], columns=[column])
            start = 0
            for batch in batches:
                while given < len(photos) and photos[given].row < start + len(batch):  # type: ignore[operator]
                    yield _content(batch, photos[given].row - start, column)  # type: ignore[operator]
                    given += 1
                if given == len(photos):
                    return
                start += len(batch)
        reason = "not fetched: its row is gone"
    except DataError as error:
        reason = f"not fetched: {error}"
    for _ in photos[given:]:
        yield FetchError(reason)


def _content(batch: object, row: int, column: str) -> bytes | FetchError:
    value = batch.column(0)[row].as_py()  # type: ignore[attr-defined]
    if isinstance(value, dict):
        value = value[column.rpartition(".")[2]]
    return FetchError("not fetched: its row has no bytes") if value is None else value
