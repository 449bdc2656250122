"""How much is taken in at once, and for how long it may take."""

from pilah.api.problems import over
from pilah.uploads import MAX_PIXELS, MEGABYTE

__all__ = [
    "ANSWER_SECONDS",
    "BODY_SECONDS",
    "HEAD_BYTES",
    "HEAD_SECONDS",
    "IDLE_SECONDS",
    "MAX_BODY_MB",
    "MAX_CONNECTIONS",
    "MAX_HELD_MB",
    "MAX_PHOTOS",
    "MAX_PIXELS",
    "MAX_WAITING",
    "MEGABYTE",
    "PAUSE_SECONDS",
    "PHOTO_CPU_SECONDS",
    "STOP_SECONDS",
    "check_number",
    "check_size",
]

MAX_BODY_MB = 64
"""Of one request."""

MAX_PHOTOS = 64
"""In one request."""

MAX_HELD_MB = 256
"""Of all requests together, as far as they have arrived."""

MAX_WAITING = 128
"""Photos of all requests that are not answered yet."""

MAX_CONNECTIONS = 512

HEAD_BYTES = 16_384
"""The request line and all headers."""

HEAD_SECONDS = 10
"""In which a request's headers must arrive, and the rest of a body that is not wanted."""

PAUSE_SECONDS = 10
"""Between two parts of a body."""

BODY_SECONDS = 60
"""In which a body must arrive."""

IDLE_SECONDS = 60
"""A connection without a request is kept."""

ANSWER_SECONDS = 120
"""In which a request must be answered once it has arrived."""

PHOTO_CPU_SECONDS = 20
"""Of processor time for one photo; what takes more is damaged, or meant to harm."""

STOP_SECONDS = 120
"""In which what was accepted is answered after SIGTERM."""


def check_size(number: int) -> None:
    """Refuse a body of too many bytes.

    Raises:
        Problem: it has more than `MAX_BODY_MB`.
    """
    if number > MAX_BODY_MB * MEGABYTE:
        raise over(
            "bytes",
            MAX_BODY_MB * MEGABYTE,
            "bytes",
            f"the body has more than {MAX_BODY_MB} MB; send fewer photos, or smaller ones",
        )


def check_number(photos: int) -> None:
    """Refuse too many photos.

    Raises:
        Problem: there are more than `MAX_PHOTOS`.
    """
    if photos > MAX_PHOTOS:
        raise over(
            "photos",
            MAX_PHOTOS,
            "photos",
            f"more than {MAX_PHOTOS} photos in one request; send several requests",
        )
