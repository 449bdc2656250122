"""Lists of paths: lines as each system ends them, or paths that end with a null byte."""

import codecs
from collections.abc import Iterator


def paths_in(chunks: Iterator[bytes], *, end: bytes) -> Iterator[list[bytes]]:
    """The paths of a list, in portions: none waits for a chunk that comes later.

    Args:
        chunks: the list as it is read, in UTF-8 or any bytes; lines may be in UTF-16, marked.
        end: what each path ends with, a line feed or a null byte.
    """
    listed = _split(chunks, end) if end == b"\0" else _lines(_without_mark(chunks))
    for paths in listed:
        yield [path for path in paths if path]


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
    """Lines as Windows ends them, too: a name that does end so can be given with null bytes."""
    for lines in _split(chunks, b"\n"):
        yield [line.removesuffix(b"\r") for line in lines]


def _split(chunks: Iterator[bytes], end: bytes) -> Iterator[list[bytes]]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(end)
        yield whole
    if rest:
        yield [rest]
