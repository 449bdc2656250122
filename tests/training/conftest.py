"""Small labelled images that a network can learn within seconds: bright or dark."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.training.tiny import write_manifest


@pytest.fixture
def manifest(tmp_path: Path) -> Callable[..., Path]:
    """`write_manifest` into the test's own folder."""
    return partial(write_manifest, tmp_path)
