"""Standard output that takes any name, and that may be full or closed.

Neither a name nor a terminal needs to be UTF-8, and a disk can be full. A character that cannot be
shown is escaped; a line that cannot be written ends the command with one on standard error.
"""

import os
import sys
from typing import Any, TextIO

from pilah.errors import PilahError


class OutputError(PilahError):
    """Standard output cannot be written."""


def prepare_output() -> None:
    """Make standard output of this process as above; a reader that went away is no error."""
    if sys.stdout is None:  # closed by the caller, as in `pilah models >&-`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if hasattr(sys.stdout, "reconfigure"):  # not one that a test has put in its place
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdout = _Output(sys.stdout)


def print_error(text: str) -> None:
    """Print a line on standard error, which may be as full as standard output."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        _drop(2)


def _drop(descriptor: int) -> None:
    """Let what is still to be written vanish: Python would try once more as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


class _Output:
    """A text stream whose refusals are OutputErrors."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._refusal: Exception | None = None  # a library may have swallowed it

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            raise self._given_up(error) from None

    def flush(self) -> None:
        refusal, self._refusal = self._refusal, None
        if refusal is not None:
            raise refusal
        try:
            self._stream.flush()
        except OSError as error:
            raise self._given_up(error) from None

    def _given_up(self, error: OSError) -> Exception:
        _drop(self._stream.fileno())
        if isinstance(error, BrokenPipeError):
            self._refusal = error
        else:
            self._refusal = OutputError(
                f"standard output cannot be written ({error.strerror}); free some space"
            )
        return self._refusal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
