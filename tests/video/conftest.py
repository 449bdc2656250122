"""A model that is loaded once, and the folder of real faces where it is."""

from collections.abc import Iterator

import pytest

import pilah


@pytest.fixture(scope="session")
def model() -> Iterator[pilah.Pilah]:
    loaded = pilah.load(workers=1, min_face=0.1)
    yield loaded
    loaded.close()
