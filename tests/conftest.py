"""What several tests share."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real faces beside the checkout; the test is skipped where it is not."""
    folder = Path(os.environ.get("PILAH_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real faces at {folder} (set PILAH_SHARED to where they are)")
    return folder
