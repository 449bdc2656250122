"""The body of a request becomes photos: one raw, a form of files, or JSON with base64.

Everything stays in memory, and nothing grows beyond `limits`: bytes are counted as they arrive.
"""

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from pilah.api.form import read_form
from pilah.api.limits import (
    BODY_SECONDS,
    MAX_HELD_MB,
    MAX_PHOTOS,
    MEGABYTE,
    PAUSE_SECONDS,
    check_number,
    check_size,
)
from pilah.api.problems import Problem, busy, over
from pilah.api.upload import Upload

RAW = ("application/octet-stream", "image/")
FORM, JSON = "multipart/form-data", "application/json"
ACCEPTED = (
    f"send one photo as application/octet-stream or image/..., photos in fields `files` of {FORM}, "
    f'or {JSON} as {{"photos": ["BASE64"]}}'
)
MAX_JSON_MARKS = 4 * MAX_PHOTOS
"""Of `[`, `{` and `,` in a JSON body: a list of texts in base64 has one a photo, and two more."""


class Held:
    """How many bytes of all requests are in memory."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.bytes = 0

    @contextmanager
    def one(self) -> Iterator["Share"]:
        """What one request holds, until it is answered."""
        share = Share(self)
        try:
            yield share
        finally:
            self.bytes -= share.bytes


class Share:
    """What one request holds."""

    def __init__(self, held: Held) -> None:
        """Nothing yet."""
        self._held = held
        self.bytes = 0

    def add(self, number: int) -> None:
        """Count what has arrived.

        Raises:
            Problem: this request has too many bytes, or all together have.
        """
        self.bytes += number
        self._held.bytes += number
        check_size(self.bytes)
        if self._held.bytes > MAX_HELD_MB * MEGABYTE:
            raise busy("held", MAX_HELD_MB, "megabytes", 1)


async def read_photos(request: Request, share: Share) -> list[Upload]:
    """Read the photos of a request.

    Raises:
        Problem: there are none, or too many; they come too slowly, or not in a form that is known.
        ClientDisconnect: the client has gone.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise Problem(415, "media-type", "a compressed body; send photos as they are")
    kind, options = parse_options_header(request.headers.get("content-type", RAW[0]))
    media_type = kind.decode("latin-1").lower()
    said = request.headers.get("content-length", "0")
    check_size(int(said) if said.isdecimal() else 0)
    if media_type == FORM:
        photos = await read_form(_chunks(request, share), options.get(b"boundary", b""))
    elif media_type == JSON:
        text = await _whole(request, share)
        photos = await asyncio.to_thread(_json, text)
    elif media_type.startswith(RAW):
        data = await _whole(request, share)
        photos = [Upload(bytes(data))] if data else []
    else:
        raise Problem(415, "media-type", f"a body of another media type; {ACCEPTED}")
    if not photos:
        raise Problem(422, "no-photo", f"no photo in the body; {ACCEPTED}")
    return photos


async def _chunks(request: Request, share: Share) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    end = loop.time() + BODY_SECONDS
    try:
        async with asyncio.timeout(PAUSE_SECONDS) as patience:
            async for chunk in request.stream():
                share.add(len(chunk))
                yield chunk
                patience.reschedule(min(loop.time() + PAUSE_SECONDS, end))
    except TimeoutError:
        raise over(
            "seconds",
            BODY_SECONDS,
            "seconds",
            f"the body did not arrive in {BODY_SECONDS} s, or paused for {PAUSE_SECONDS} s; send "
            "it faster, or fewer photos",
            status=408,
        ) from None


async def _whole(request: Request, share: Share) -> bytearray:
    body = bytearray()
    async for chunk in _chunks(request, share):
        body += chunk
    return body


def _json(body: bytearray) -> list[Upload]:
    wrong = Problem(422, "damaged-body", f"a JSON body of another shape; {ACCEPTED}")
    # Many small values would take a hundred times their bytes in memory.
    if sum(map(body.count, (b"[", b"{", b","))) > MAX_JSON_MARKS:
        check_number(body.count(b",") + 1)
        raise wrong
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise Problem(400, "damaged-body", f"a body that is not JSON; {ACCEPTED}") from None
    if not isinstance(given, dict) or set(given) != {"photos"}:
        raise wrong
    texts = given["photos"]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise wrong
    check_number(len(texts))
    try:
        return [Upload(base64.b64decode(text, validate=True)) for text in texts]
    except (binascii.Error, ValueError):
        raise Problem(422, "damaged-body", f"a photo that is not base64; {ACCEPTED}") from None
