"""Photos, and the app in a process of its own."""

import contextlib
import io
import os
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

PATIENCE = 60_000
"""Milliseconds: the machine may be training in the background."""


def jpeg_of(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=92)
    return file.getvalue()


def zip_of(photos: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in photos.items():
            archive.writestr(name, data)
    return file.getvalue()


@contextlib.contextmanager
def served(*arguments: str | Path) -> Iterator[tuple[str, int]]:
    """Start `pilah app` on a free port; give its address and its process id."""
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    program = "import sys; from pilah.cli import main; main()"
    command = [sys.executable, "-c", program, "app", "--port", str(port), *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ}
    ) as process:
        try:
            address = f"http://localhost:{port}"
            for _ in range(PATIENCE // 200):
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).close()
                    break
                assert process.poll() is None, process.stdout.read()
                time.sleep(0.2)
            yield address, process.pid
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:  # it waits for the browser's open connections
                process.kill()
