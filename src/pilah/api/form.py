"""A form of files, multipart/form-data, becomes photos; nothing of it goes to disk."""

import logging
from collections.abc import AsyncIterator

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from pilah.api.limits import check_number
from pilah.api.problems import Problem
from pilah.api.upload import Upload

FIELD = "files"
HEADER_BYTES = 1024

# It logs the bytes that it did not expect.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


async def read_form(chunks: AsyncIterator[bytes], boundary: bytes) -> list[Upload]:
    """Read the photos of a form, as it arrives.

    Raises:
        Problem: it is damaged, has too many photos, or a field of another name.
    """
    form = _Form()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": form.begin,
                "on_header_field": form.header_field,
                "on_header_value": form.header_value,
                "on_header_end": form.end_header,
                "on_headers_finished": form.start_data,
                "on_part_data": form.data,
                "on_part_end": form.end,
                "on_end": form.finish,
            },
            max_header_size=HEADER_BYTES,
        )
        async for chunk in chunks:
            if chunk:
                parser.write(chunk)
    except (FormParserError, ValueError):
        raise _damaged("a form that is damaged") from None
    if not form.finished:
        raise _damaged("a form that is cut off")
    return form.photos


def _damaged(what: str) -> Problem:
    return Problem(400, "damaged-body", f"{what}; send multipart/form-data as RFC 7578 has it")


class _Form:
    """Collects the parts of a form, as the parser finds them."""

    def __init__(self) -> None:
        self.photos: list[Upload] = []
        self.finished = False
        self._field = self._value = self._disposition = b""
        self._data = bytearray()

    def begin(self) -> None:
        check_number(len(self.photos) + 1)
        self._disposition, self._data = b"", bytearray()

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def end_header(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def start_data(self) -> None:
        _, options = parse_options_header(self._disposition)
        if options.get(b"name") != FIELD.encode():
            raise Problem(
                422, "unknown-field", f"a form field of another name; photos go in `{FIELD}`"
            )
        name = options.get(b"filename")
        self._name = None if name is None else name.decode("utf-8", "replace")

    def data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def end(self) -> None:
        self.photos.append(Upload(bytes(self._data), self._name))
        self._data = bytearray()

    def finish(self) -> None:
        self.finished = True
