"""Two portraits to try: in the public domain, and inside packages that are installed anyway.

Grace Hopper (US Navy) comes with matplotlib, Eileen Collins (NASA) with scikit-image. Neither is
imported for it: their files are only read.
"""

from importlib.util import find_spec
from pathlib import Path

_PLACES = {
    "Grace Hopper": ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    "Eileen Collins": ("skimage", "data/astronaut.png"),
}


def sample_photos() -> dict[str, Path]:
    """The portraits that this machine has, by the name of who is shown."""
    found = {}
    for name, (package, place) in _PLACES.items():
        spec = find_spec(package)
        if spec and spec.origin and (path := Path(spec.origin).parent / place).is_file():
            found[name] = path
    return found
