"""How `pilah serve` was started."""

import socket
from dataclasses import dataclass
from pathlib import Path

from pilah.errors import PilahError

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Addresses that only this machine can connect to."""

LEAST_KEY = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """How the server was started: `models` are names or files, the default first."""

    address: str
    port: int
    models: tuple[str, ...]
    key: str | None

    @property
    def is_local(self) -> bool:
        """Whether only this machine can connect."""
        return self.address in LOOPBACK


def read_key(path: Path) -> str:
    """Read the key that clients must send: the only line of a file.

    Raises:
        PilahError: it cannot be read, or is too short to be one.
    """
    try:
        lines = path.read_text("ascii").split()
    except (OSError, ValueError) as error:
        raise PilahError(
            f"the key cannot be read from {path} ({error}); give --api-key-file a file with one "
            "line of ASCII"
        ) from None
    if len(lines) != 1 or len(lines[0]) < LEAST_KEY:
        raise PilahError(
            f"{path} holds no key of one line with at least {LEAST_KEY} characters; make one with: "
            "python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return lines[0]


def bind(address: str, port: int) -> socket.socket:
    """Take the address, so that it is known to be free before models are loaded.

    Raises:
        PilahError: it cannot be had.
    """
    listener = None
    try:
        if not 0 <= port <= 65535:
            raise OverflowError("ports end at 65535")
        family, *_, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
    except (OSError, OverflowError) as error:
        if listener is not None:
            listener.close()
        raise PilahError(
            f"port {port} of {address} cannot be used ({error}); give another --port"
        ) from None
    return listener
