"""`pilah serve` in a process of its own, for tests and benchmarks; it is gone when they end."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

PATIENCE = 60
"""Seconds until it must be ready: the machine may be training in the background."""

PROGRAM = (sys.executable, "-c", "from pilah.cli import main; main()")


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    process: subprocess.Popen[bytes]
    port: int
    _output: IO[bytes]

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> str:
        """What it has printed so far."""
        self._output.flush()
        return os.pread(self._output.fileno(), 100_000_000, 0).decode()

    def log(self) -> list[dict[str, Any]]:
        """Its log so far; every line is one JSON object."""
        whole, _, _ = self.said().rpartition("\n")  # a last line may be half written
        return [json.loads(line) for line in whole.splitlines()]

    def stop(self) -> int:
        """End it as a service manager does, and give its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def served_api(
    *arguments: str | Path,
    program: Sequence[str] = PROGRAM,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Start `pilah serve` on a free port of this machine, and wait until it is ready.

    Raises:
        RuntimeError: it ended or is not ready; the text is what it said.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [*program, "serve", "--port", str(port), *map(str, arguments)]
    # A file, for a full pipe that nobody reads would lose lines.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
            cwd="/",
        )
        server = Server(process, port, output)
        try:
            if not _is_ready(server):
                raise RuntimeError(f"the server did not start: {server.said()}")
            yield server
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def _is_ready(server: Server) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{server.address}/readyz", timeout=20).close()
            return True
        time.sleep(0.05)
    return False
