"""A photo as a client sent it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Upload:
    """A photo's encoded file, and the name that its sender gave it, which is only a name."""

    data: bytes
    name: str | None = None
