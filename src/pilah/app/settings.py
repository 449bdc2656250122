"""How `pilah app` was started, passed on in the arguments that follow Streamlit's own."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TOKEN_VARIABLE = "PILAH_APP_TOKEN"
"""Of the environment, which others cannot read as they can a command line; see `access.py`."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Addresses that only this machine can connect to."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the app was started.

    `model` is a name or the path of a model.onnx, None for the package's default. `runs` are run
    folders, or folders of them. `own_machine` says that only this machine can connect, so that
    folders of this machine may be named.
    """

    model: str | None = None
    runs: tuple[Path, ...] = ()
    own_machine: bool = False

    def to_arguments(self) -> list[str]:
        """The arguments that `from_arguments` reads."""
        return [
            *(["--model", self.model] if self.model else []),
            *(word for run in self.runs for word in ("--run", str(run))),
            *(["--own-machine"] if self.own_machine else []),
        ]

    @classmethod
    def from_arguments(cls, arguments: Sequence[str] | None = None) -> "Settings":
        """Read arguments, those of the process if none are given."""
        parser = argparse.ArgumentParser()
        parser.add_argument("--model")
        parser.add_argument("--run", type=Path, action="append", default=[])
        parser.add_argument("--own-machine", action="store_true")
        read = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
        return cls(read.model, tuple(read.run), read.own_machine)
