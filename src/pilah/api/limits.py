"""How much is taken in at once, and for how long it may take."""

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
