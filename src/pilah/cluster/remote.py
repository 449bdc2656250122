"""Files that are not on this machine's disks, by URI: s3, gs, abfs, hdfs, az, http and others.

Apache Arrow opens the first four by itself, with the credentials that its user has set up for each
(`AWS_PROFILE`, `AWS_ENDPOINT_URL`, `GOOGLE_APPLICATION_CREDENTIALS`…); fsspec opens what it has an
implementation for, where that is installed. A URI is taken as it is written: `%20` is no space.
"""

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from http.client import HTTPException
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pyarrow as pa
from pyarrow import fs

from pilah import __version__
from pilah.errors import DataError
from pilah.wording import shown

MOST_BYTES = 512 * 2**20
"""A larger file is not fetched: no photo is, and it would take a worker's memory."""

SECONDS = 60
"""How long a web server may be silent, and Google's storage may be tried again."""

MOST_SECONDS = 600
"""How long one file of a web server may take."""

MOST_LETTERS = 200
"""Of a reason: some libraries answer with a page."""

WEB = ("http", "https")
MAGIC = re.compile(r"[*?\[]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

REFUSALS = (OSError, pa.ArrowException, ValueError, HTTPException)
"""What file systems raise about a file or a folder."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder of a remote folder: its URI, its name there, and a file's bytes if known."""

    uri: str
    name: str
    is_folder: bool
    size: int | None


def is_uri(path: str) -> bool:
    """Whether a path is a URI."""
    return _SCHEME.match(path) is not None


def reason(error: Exception) -> str:
    """Why a file system refused, on one line."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = " ".join(text.split()) or type(error).__name__
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"


def fetched(uri: str) -> bytes:
    """The bytes of a file.

    Raises:
        Exception: it cannot be had, or is larger than `MOST_BYTES`; see `REFUSALS`.
    """
    if _scheme(uri) in WEB:
        content = _from_the_web(uri)
    else:
        with opened(uri) as file:
            content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES >> 20} MB")
    return content


def _from_the_web(uri: str) -> bytes:
    # what a browser would do with spaces and other letters in an address
    address = quote(os.fsencode(uri), safe="%/:?#[]@!$&'()*+,;=~")
    request = Request(address, headers={"User-Agent": f"pilah/{__version__}"})
    end = time.monotonic() + MOST_SECONDS
    parts, size = [], 0
    with urlopen(request, None, SECONDS) as answer:
        while size <= MOST_BYTES and (part := answer.read1(1 << 20)):
            parts.append(part)
            size += len(part)
            if time.monotonic() > end:
                raise OSError(f"it took more than {MOST_SECONDS} seconds")
        promised = answer.headers.get("Content-Length", "")
    if size <= MOST_BYTES and promised.isdigit() and size < int(promised):
        raise OSError(f"cut off: {size:,} of {int(promised):,} bytes came")
    return b"".join(parts)


def opened(uri: str) -> Any:
    """A file of Arrow's, open to read at any place; close it.

    Raises:
        Exception: it cannot be opened; see `REFUSALS`.
    """
    if _scheme(uri) in WEB:
        return pa.BufferReader(fetched(uri))
    system, path = _located(uri)
    return system.open_input_file(path)


def kind_of(uri: str) -> str:
    """What is at a URI: `file`, `folder`, or nothing (an empty text).

    Raises:
        DataError: that cannot be found out.
    """
    if _scheme(uri) in WEB:
        return "file"
    system, path = _located(uri)
    try:
        kind = system.get_file_info(path).type
    except REFUSALS as error:
        raise DataError(f"{shown(uri)} cannot be read ({reason(error)})") from None
    return {fs.FileType.File: "file", fs.FileType.Directory: "folder"}.get(kind, "")


def entries(uri: str) -> list[Entry]:
    """What a remote folder holds, by name.

    Raises:
        DataError: it cannot be listed.
    """
    system, path = _located(uri)
    try:
        found = system.get_file_info(fs.FileSelector(path, recursive=False))
    except REFUSALS as error:
        raise DataError(f"{shown(uri)} cannot be listed ({reason(error)})") from None
    return sorted(
        (
            Entry(
                f"{uri.rstrip('/')}/{info.base_name}",
                info.base_name,
                info.type == fs.FileType.Directory,
                info.size,
            )
            for info in found
        ),
        key=lambda entry: entry.name,
    )


def matches(pattern: str) -> Iterator[str]:
    """URIs that a pattern with `*`, `?` and `[...]` means; none of them reaches past a slash.

    Raises:
        DataError: a folder cannot be listed, or the pattern asks for more than that.
    """
    if "**" in pattern:
        raise DataError(
            f"{shown(pattern)}: ** is not known in a remote source; name the folder, which is "
            "searched with its sub-folders"
        )
    scheme, rest = pattern.split("://", 1)
    place, *parts = rest.split("/")
    if _scheme(pattern) in WEB or MAGIC.search(place):
        raise DataError(f"{shown(pattern)} cannot be searched; give a list of URIs")
    yield from _matches(f"{scheme}://{place}", parts)


def _matches(folder: str, parts: list[str]) -> Iterator[str]:
    for number, part in enumerate(parts):
        if MAGIC.search(part):
            rest = parts[number + 1 :]
            for entry in entries("/".join([folder, *parts[:number]])):
                hidden = entry.name.startswith(".") and not part.startswith(".")
                fits = fnmatchcase(entry.name, part) and not hidden
                if fits and (entry.is_folder or not rest):
                    yield from _matches(entry.uri, rest)
            return
    yield "/".join([folder, *parts])


def check(uri: str) -> None:
    """Refuse a URI whose file system is not known here.

    Raises:
        DataError: it is of no known scheme, or its part of fsspec is not installed.
    """
    if _scheme(uri) not in WEB:
        _located(uri)


def _scheme(uri: str) -> str:
    return uri.split("://", 1)[0].lower()


def _located(uri: str) -> tuple[Any, str]:
    """The file system of a URI, and its path there."""
    scheme, rest = uri.split("://", 1)
    place, _, path = rest.partition("/")
    system, root = _system(scheme.lower(), place)
    return system, "/".join(filter(None, (root.rstrip("/"), path.rstrip("/")))) or root


@cache
def _system(scheme: str, place: str) -> tuple[Any, str]:
    """A file system and the root of `place` in it: a bucket, a container, a server."""
    root = f"{scheme}://{place}"
    # by itself it tries for a quarter of an hour, and hears no signal
    limited = f"?retry_limit_seconds={SECONDS}" if scheme in ("gs", "gcs") else ""
    try:
        return fs.FileSystem.from_uri(root + limited)  # type: ignore[no-any-return]
    except Exception as error:  # of many libraries
        refusal = error
    try:
        import fsspec

        system, path = fsspec.core.url_to_fs(root)
        return fs.PyFileSystem(fs.FSSpecHandler(system)), path
    except Exception as error:  # each implementation raises what it likes
        known = scheme in ("s3", "gs", "gcs", "abfs", "abfss", "hdfs", "viewfs")
        why = refusal if known or isinstance(error, ModuleNotFoundError) else error
        raise DataError(
            f"{shown(root)} cannot be opened ({reason(why)}); give a folder, or a URI such as "
            "s3://bucket/folder"
        ) from None
