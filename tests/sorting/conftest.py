"""Each sorting test that asks for `disk_kind` runs on two disks: an ordinary and a refusing one."""

import errno
from pathlib import Path

import pytest
from folders import ENV
from refusing.sitecustomize import REFUSING


@pytest.fixture(params=["posix", "refusing"])
def disk_kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """An ordinary disk, and one that refuses hard links, locks and flushing a folder.

    It holds for this process and for those that are started with `ENV`.
    """
    kind: str = request.param
    if kind == "refusing":
        refuse_from_now_on(monkeypatch, errno.EPERM)
    return kind


def refuse_from_now_on(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setenv("PILAH_REFUSAL", str(number))
    for (module, name), call in REFUSING.items():
        monkeypatch.setattr(module, name, call)
    monkeypatch.setitem(ENV, "PILAH_REFUSAL", str(number))
    folder = str(Path(__file__).parent / "refusing")
    monkeypatch.setitem(ENV, "PYTHONPATH", folder + ":" + ENV["PYTHONPATH"])
