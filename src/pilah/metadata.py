"""What a photo's file holds beside its pixels: which way is up, and what its colours mean.

Pillow reads everything in a file, and gives up on some of it: a text that unpacks to more than
1 MiB, a resolution that is a word, a wrong checksum of a chunk nobody needs. So a file is taken
apart first. Pillow gets what the pixels need; only orientation and colour profile are read here;
the rest is dropped, and nothing is written back.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any, BinaryIO

from pilah.errors import ImageError

Info = dict[str, bytes]
"""As in Pillow's `Image.info`: `exif`, `icc_profile`, and XMP as `xmp`, where a file has them."""

MAX_BYTES = 1 << 30
"""More of a file is not read into memory."""
_MAX_UNPACKED = 1 << 24
"""A profile or a text that unpacks to more bytes is ignored."""

_ORIENTATION = 0x0112
_PIXEL_TAGS = frozenset(
    {
        *(256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323),
        *(324, 325, 332, 338, 339, 347, 513, 514, 529, 530, 531, 532, 34675),
    }
)
"""TIFF's tags that say how pixels are stored, which way is up, and what colours mean."""
_SIZES = {1: "B", 3: "H", 4: "I"}  # TIFF's types of whole numbers: BYTE, SHORT, LONG


def separate(file: BinaryIO) -> tuple[BinaryIO, Info]:
    """Take a file apart: what the pixels need, as a file, and what else must be known.

    A file of a kind whose metadata Pillow handles well comes back as it is.

    Raises:
        ImageError: it is too large to be read into memory.
    """
    head = file.read(12)
    file.seek(0)
    for is_kind, take_apart in _KINDS:
        if is_kind.match(head):
            data = read_whole(file)
            info: Info = {}
            try:
                return BytesIO(b"".join(take_apart(data, info))), info
            except (IndexError, struct.error):  # cut off before the pixels
                return BytesIO(data), info
    return file, {}


def read_whole(file: BinaryIO) -> bytes:
    """Everything in a file.

    Raises:
        ImageError: it is more than MAX_BYTES.
    """
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ImageError(f"too large: more than {MAX_BYTES >> 20:,} MiB")
    return data


def orientation(info: dict[Any, Any]) -> int | None:
    """Which way is up: EXIF's 1 to 8, else XMP's; None where neither says.

    Any other value counts as 1, as in other viewers.
    """
    exif, xmp = info.get("exif"), info.get("xmp")
    if isinstance(exif, bytes):
        try:
            found = _orientation_in(exif.removeprefix(b"Exif\0\0"))
        except struct.error:  # cut off
            found = None
        if found is not None:
            return found if 1 <= found <= 8 else 1
    if isinstance(xmp, bytes) and (said := re.search(rb'tiff:Orientation(?:="|>)([1-8])\b', xmp)):
        return int(said[1])
    return None


def without_other_tags(file: BinaryIO) -> BinaryIO:
    """A TIFF file with only those tags of its first picture that its pixels need."""
    file.seek(0)
    data = bytearray(read_whole(file))
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(data[:4]))
    if order is None:
        return BytesIO(data)
    try:
        (start,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, start)
        tags = [data[at : at + 12] for at in range(start + 2, start + 2 + 12 * count, 12)]
        kept = [tag for tag in tags if struct.unpack_from(f"{order}H", tag)[0] in _PIXEL_TAGS]
        table = struct.pack(f"{order}H", len(kept)) + b"".join(kept) + bytes(4)
        data[start : start + len(table)] = table
    except struct.error:  # cut off
        pass
    return BytesIO(data)


def _orientation_in(tiff: bytes) -> int | None:
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return None
    (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, start)
    for at in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(f"{order}HH", tiff, at)
        if tag == _ORIENTATION:
            size = _SIZES.get(kind)
            return struct.unpack_from(order + size, tiff, at + 8)[0] if size else 0
    return None


def _jpeg(data: bytes, info: Info) -> Iterator[bytes]:
    yield data[:2]
    profile: dict[int, bytes] = {}
    at = 2
    while True:
        while data[at] != 0xFF or data[at + 1] in (0x00, 0xFF):
            at += 1  # a decoder skips what is no marker, and fill bytes
        marker = data[at + 1]
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # these have no length
            at += 2
            continue
        if marker in (0xD9, 0xDA):  # the end, or the pixels
            break
        end = at + 2 + max(2, *struct.unpack_from(">H", data, at + 2))
        body = data[at + 4 : end]
        if marker == 0xE1 and body.startswith(b"Exif\0\0"):
            info.setdefault("exif", body)
        elif marker == 0xE1 and body.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
            info.setdefault("xmp", body)
        elif marker == 0xE2 and body.startswith(b"ICC_PROFILE\0") and len(body) > 14:
            profile.setdefault(body[12], body[14:])
        # JFIF and Adobe say how the channels are coded
        coded = (marker == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 14) or (
            marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12
        )
        if coded or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            yield data[at:end]
        at = end
    if profile:
        info["icc_profile"] = b"".join(profile[number] for number in sorted(profile))
    yield data[at:]


def _png(data: bytes, info: Info) -> Iterator[bytes]:
    yield data[:8]
    at, colour = 8, None
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            colour = body[9]
        if kind == b"eXIf":
            info["exif"] = body
        elif kind == b"iCCP":
            if profile := _unpacked(body.partition(b"\0")[2][1:]):
                info["icc_profile"] = profile
        elif kind in (b"iTXt", b"zTXt", b"tEXt"):
            _text_of_png(kind, *body.split(b"\0", 1), info=info)
        elif not kind[0] & 0x20 or (kind == b"tRNS" and _is_sound(data[at:end], colour)):
            yield data[at:end]
        if kind == b"IEND":
            return
        at = end


def _is_sound(transparency: bytes, colour: int | None) -> bool:
    """Whether the chunk is whole, and as PNG defines it for grey (0), RGB (2) and palette (3)."""
    lengths = {0: range(2, 3), 2: range(6, 7), 3: range(1, 257)}.get(colour or 0, range(0))
    checksum = zlib.crc32(transparency[4:-4]).to_bytes(4, "big")
    return len(transparency) - 12 in lengths and transparency[-4:] == checksum


def _text_of_png(kind: bytes, keyword: bytes, text: bytes = b"", *, info: Info) -> None:
    if kind == b"iTXt" and keyword == b"XML:com.adobe.xmp" and len(text) > 2:
        packed, content = text[0], text[2:].split(b"\0", 2)[-1]
        info.setdefault("xmp", (_unpacked(content) or b"") if packed else content)
    elif keyword in (b"Raw profile type exif", b"Raw profile type APP1"):  # ImageMagick
        lines = ((_unpacked(text[1:]) or b"") if kind == b"zTXt" else text).split(b"\n", 3)
        try:
            info.setdefault("exif", bytes.fromhex(lines[-1].decode("ascii")))
        except ValueError:
            return


def _unpacked(packed: bytes) -> bytes | None:
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(packed, _MAX_UNPACKED)
    except zlib.error:
        return None
    return unpacked if unpacker.eof else None


def _webp(data: bytes, info: Info) -> Iterator[bytes]:
    kept = []
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length + length % 2
        body = data[at + 8 : at + 8 + length]
        name = {b"EXIF": "exif", b"XMP ": "xmp", b"ICCP": "icc_profile"}.get(kind)
        if name:
            info.setdefault(name, body)
        elif kind == b"VP8X" and body:
            flags = body[0] & ~0x2C  # no ICC profile, EXIF and XMP any more
            kept.append(data[at : at + 8] + bytes([flags]) + data[at + 9 : end])
        elif kind in (b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"):
            kept.append(data[at:end])
        at = end
    yield b"RIFF" + struct.pack("<I", 4 + sum(map(len, kept))) + b"WEBP"
    yield from kept


def _heif(data: bytes, _: Info) -> Iterator[bytes]:
    """HEIC and AVIF turn their pixels by properties of their own: EXIF and XMP do not count."""
    yield re.sub(rb"(infe.{8}(?:..)?)(?:Exif|mime)", rb"\1skip", data, flags=re.DOTALL)


_KINDS = (
    (re.compile(rb"\xff\xd8"), _jpeg),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), _png),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), _webp),
    (re.compile(rb"....ftyp(?:avi[fs]|mif1|msf1|he[iv][cxms])", re.DOTALL), _heif),
)
