"""A real server, and photos to ask it about."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from client import Client

from demo.portraits import write_photos
from demo.serving_api import served_api


@pytest.fixture(scope="session")
def client() -> Iterator[Client]:
    """A client of one server as it starts by itself, which no test may end."""
    with served_api() as server:
        yield Client(server)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The eight photos of the demo."""
    folder = tmp_path_factory.mktemp("photos")
    write_photos(folder)
    return sorted(folder.iterdir())
