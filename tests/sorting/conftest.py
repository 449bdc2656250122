"""Each sorting test that asks for `disk_kind` runs on two disks: an ordinary and a refusing one."""

import errno

import pytest
from refusals import refuse_from_now_on


@pytest.fixture(params=["posix", "refusing"])
def disk_kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """An ordinary disk, and one that refuses hard links, locks and flushing a folder."""
    kind: str = request.param
    if kind == "refusing":
        refuse_from_now_on(monkeypatch, errno.EPERM)
    return kind
