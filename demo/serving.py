"""The app in a process of its own, and a real browser to look at it.

The tests, the benchmarks and the screenshots of the web app start both in the same way.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

PATIENCE = 60_000
"""Milliseconds that a page may take: the machine may be training in the background."""

FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
]


class NoBrowser(Exception):
    """There is no Chromium on this machine; the text says how it comes there."""


@contextlib.contextmanager
def launched() -> Iterator[Browser]:
    """Launch Debian's Chromium, with a fake camera.

    Raises:
        NoBrowser: it is not installed.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        raise NoBrowser("no Chromium on this machine; install it with: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


def wait_for_page(page: Page) -> None:
    """Wait until Streamlit has run the page's script to its end; charts are drawn after that."""
    page.locator("h1").first.wait_for()
    page.locator('[data-test-script-state="notRunning"]').wait_for()


@contextlib.contextmanager
def pages(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open addresses, each in a context of its own."""
    contexts = []

    def open_at(address: str, **options: object) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.goto(address)
        wait_for_page(page)
        return page

    yield open_at
    for context in contexts:
        context.close()


@contextlib.contextmanager
def served(*arguments: str | Path) -> Iterator[tuple[str, int]]:
    """Start `pilah app` on a free port and wait until it answers.

    Returns:
        Its address and its process id. At the end it is gone, whatever it was doing, and so are
        the processes that it started.

    Raises:
        RuntimeError: it ended or did not answer; the text is what it said.
    """
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    program = "import sys; from pilah.cli import main; main()"
    command = [sys.executable, "-c", program, "app", "--port", str(port), *map(str, arguments)]
    # A file, for a full pipe that nobody reads would stop the server.
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            address = f"http://localhost:{port}"
            if not _answers(f"{address}/_stcore/health", process):
                output.seek(0)
                raise RuntimeError(f"the app did not start: {output.read().decode()}")
            yield address, process.pid
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def token_of(process: int) -> str:
    """The token of a server: it is in the address that `pilah app` printed."""
    variables = Path(f"/proc/{process}/environ").read_text().split("\0")
    return next(each for each in variables if each.startswith("PILAH_APP_TOKEN=")).partition("=")[2]


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=2).close()
            return True
        time.sleep(0.05)
    return False
