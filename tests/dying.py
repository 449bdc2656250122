"""A process that dies before any one of its system calls."""

import os
from collections.abc import Callable
from typing import Any

import pytest

CALLS = ["link", "unlink", "symlink", "rename", "replace", "mkdir", "rmdir"]
CALLS += ["fsync", "write", "ftruncate", "utime"]


class Killed(BaseException):
    pass


class Kill:
    """Lets a process die before its `at`-th system call: from then on none has any effect."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self.left = at
        for name in CALLS:
            monkeypatch.setattr(os, name, self.counted(getattr(os, name)))

    def counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **options: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise Killed
            return call(*args, **options)

        return wrapper


def dies(call: Callable[[], object], at: int) -> bool:
    with pytest.MonkeyPatch.context() as monkeypatch:
        kill = Kill(monkeypatch, at)
        try:
            call()
        except Killed:
            return True
        # A kill that code ignores (rmtree with ignore_errors) still ended the process.
        return kill.left < 0
