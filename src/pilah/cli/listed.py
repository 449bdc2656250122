"""Paths that a command is given: named, or listed on standard input."""

import codecs
import os
import sys
from collections.abc import Iterator

from pilah.errors import PilahError


def in_portions(named: list[str], *, end: bytes) -> Iterator[list[str]]:
    """The paths, in portions: on standard input none waits for one that comes later.

    Args:
        named: the paths; `-` stands for those on standard input, which come first.
        end: what each path on standard input ends with, a line feed or a null byte.

    Raises:
        PilahError: standard input is closed, or `end` is a null byte and no path is `-`.
    """
    if end == b"\0" and "-" not in named:
        raise PilahError("-0 applies to paths on standard input; add - to read them")
    if "-" in named:
        chunks = _chunks()
        listed = _split(chunks, end) if end == b"\0" else _lines(_without_mark(chunks))
        for paths in listed:
            yield [os.fsdecode(path) for path in paths if path]
    if rest := [path for path in named if path != "-"]:
        yield rest


def _chunks() -> Iterator[bytes]:
    if sys.stdin is None:
        raise PilahError("standard input is closed; give paths, or pipe a list of them")
    while chunk := os.read(sys.stdin.fileno(), 1 << 16):
        yield chunk


def _without_mark(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """UTF-8 without a byte-order mark; PowerShell writes UTF-16."""
    first = next(chunks, b"")
    while len(first) < 4 and first[:1] in (b"\xef", b"\xff", b"\xfe"):
        if not (chunk := next(chunks, b"")):
            break
        first += chunk
    wide = first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and b"\0" in first[:4]
    if not wide:
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder("utf-16")("surrogatepass")
    yield decoder.decode(first).encode("utf-8", "surrogatepass")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "surrogatepass")


def _lines(chunks: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Lines as Windows ends them, too: a name that does end so can be given with -0."""
    for lines in _split(chunks, b"\n"):
        yield [line.removesuffix(b"\r") for line in lines]


def _split(chunks: Iterator[bytes], end: bytes) -> Iterator[list[bytes]]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(end)
        yield whole
    if rest:
        yield [rest]
