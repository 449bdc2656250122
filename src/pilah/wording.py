"""How counts, paths and refusals are worded in English; the web app has its own texts."""

import shlex
from pathlib import Path


def counted(number: int, noun: str, plural: str = "") -> str:
    """Such as `1 photo` and `1,200 photos`; `plural` is for a noun that does not just add an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def shown(path: str | Path) -> str:
    """A path fit for one line on any screen: line ends and bytes that are not text are escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(path))


def quoted(path: str | Path) -> str:
    """A path as a word of a command to type."""
    return shlex.quote(shown(path))


def reason_of(error: OSError) -> str:
    """Why the system refused, in a few words."""
    return error.strerror or type(error).__name__
