"""A disk that refuses hard links, locks and flushing a folder, from now on in a test."""

from pathlib import Path

import pytest
from folders import ENV
from refusing.sitecustomize import REFUSING

from pilah.sorting import disk


def refuse_from_now_on(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Answer with this error number, here and in processes that are started with `ENV`."""
    for (module, name), call in REFUSING.items():
        monkeypatch.setattr(module, name, call)
    monkeypatch.setattr(disk, "_notes", {})  # those of this test alone
    folder = str(Path(__file__).parent / "refusing")
    monkeypatch.setenv("PILAH_REFUSAL", str(number))
    monkeypatch.setitem(ENV, "PILAH_REFUSAL", str(number))
    monkeypatch.setitem(ENV, "PYTHONPATH", folder + ":" + ENV["PYTHONPATH"])
