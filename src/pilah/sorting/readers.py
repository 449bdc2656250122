"""What reads photos on this machine, so that an unreadable one is tried again when that changes?"""

from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("pilah", "pillow", "pillow-heif", "rawpy")


def installed_readers() -> str:
    """The packages that read photos, with their versions: `pilah 0.1.0, pillow 11.3.0`."""
    found = []
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return ", ".join(found)
