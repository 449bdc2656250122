"""Ten people use the web app at once: `python -m benchmarks.ten_users`.

Each of them, in a browser context of their own, gives five photos of 12 megapixels, as phones take
them. Every answer must be the library's own, and when they have left, the memory of the server and
of all its processes must be back within 100 MB of what one visitor had left behind. Else the exit
code is 1.
"""

import argparse
import io
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, expect
from rich.console import Console
from rich.table import Table

import pilah
from benchmarks.memory import tree_megabytes
from demo.portraits import write_photos
from demo.serving import launched, served
from pilah.formats import is_photo_name
from pilah.texts import texts

PHOTOS_EACH = 5
PIXELS_WH = (4000, 3000)
MAY_STAY_MB = 100
PATIENCE = 600_000
"""Milliseconds for all answers: other work may keep the cores busy."""

LEAVING = 90
"""Seconds after which everything of a visitor must be gone; Streamlit waits 30 for a return."""


def main() -> None:
    """Measure, print one table, and say what was not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=10, help="how many at once (default: 10)")
    options = parser.parse_args()
    photos = _photos()
    expected = _expected(photos)
    names = list(photos)
    given = [
        [names[(user + step) % len(names)] for step in range(PHOTOS_EACH)]
        for user in range(options.users)
    ]
    with served() as (address, process), launched() as browser:
        started = tree_megabytes(process)
        with _visitors(browser, address, 1) as (page,):  # the first visitor loads the model
            _give(page, names[:1], photos)
            _answers(page, expected[names[0]])
        before = _settled(process, started)
        start = time.perf_counter()
        with _peak(process) as peak, _visitors(browser, address, options.users) as pages:
            for page, mine in zip(pages, given, strict=True):
                _give(page, mine, photos)
            wrong = 0
            for page, mine in zip(pages, given, strict=True):
                wanted = [row for name in mine for row in expected[name]]
                wrong += _answers(page, wanted) != wanted
            seconds = time.perf_counter() - start
        after = _settled(process, before + MAY_STAY_MB)

    table = Table(title=f"{options.users} users, {PHOTOS_EACH} photos each: memory of the server")
    for column in (
        *("users with a wrong answer", "all (s)", "started (MB)"),
        *("after one visitor (MB)", "peak (MB)", "after all left (MB)"),
    ):
        table.add_column(column, justify="right")
    shown = (started, before, max(peak), after)
    table.add_row(f"{wrong}", f"{seconds:.1f}", *(f"{megabytes:.0f}" for megabytes in shown))
    Console().print(table)
    if wrong:
        sys.exit(f"{wrong} of {options.users} users saw another answer than the library gives")
    if after > before + MAY_STAY_MB:
        sys.exit(f"{after - before:.0f} MB stayed; {MAY_STAY_MB} may")


def _photos() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        write_photos(Path(folder))
        photos = {}
        for path in filter(is_photo_name, sorted(Path(folder).iterdir())):
            file = io.BytesIO()
            ImageOps.pad(Image.open(path).convert("RGB"), PIXELS_WH).save(file, "JPEG")
            photos[f"{path.stem}.jpg"] = file.getvalue()
    return photos


def _expected(photos: dict[str, bytes]) -> dict[str, list[str]]:
    """What the page must say of each photo's faces."""
    say, model = texts("en"), pilah.load(workers=1)
    expected = {}
    for name, data in photos.items():
        rows = []
        faces = model.predict(data).faces
        for face in sorted(faces, key=lambda face: face.box.left + face.box.right):
            share = say.confidence(face.confidence)
            if face.label is None:
                leaning = "male" if face.p_male >= 0.5 else "female"
                share = say("classify.leaning", label=say(f"label.{leaning}"), share=share)
            rows.append(say(f"label.{face.label or 'unsure'}") + share)
        expected[name] = rows
    return expected


@contextmanager
def _visitors(browser: Browser, address: str, number: int) -> Iterator[list[Page]]:
    contexts = [browser.new_context(locale="en-GB") for _ in range(number)]
    pages = [context.new_page() for context in contexts]
    for page in pages:
        page.set_default_timeout(PATIENCE)
        page.goto(address)
    for page in pages:
        page.locator('input[type="file"]').wait_for(state="attached")
    yield pages
    for context in contexts:
        context.close()


def _give(page: Page, names: list[str], photos: dict[str, bytes]) -> None:
    page.locator('input[type="file"]').set_input_files(
        [{"name": name, "mimeType": "image/jpeg", "buffer": photos[name]} for name in names]
    )


def _answers(page: Page, wanted: list[str]) -> list[str]:
    """What the page says of each face, once there are as many as there must be."""
    rows = page.locator(".face .words")
    expect(rows).to_have_count(len(wanted), timeout=PATIENCE)
    return [re.sub(r"^\d+\. ", "", row) for row in rows.all_text_contents()]


def _settled(process: int, enough_mb: float) -> float:
    """Memory once it is down to what is enough, or after all that `LEAVING` allows."""
    end = time.monotonic() + LEAVING
    while (now := tree_megabytes(process)) > enough_mb and time.monotonic() < end:
        time.sleep(1)
    return now


@contextmanager
def _peak(process: int) -> Iterator[list[float]]:
    """Memory as it was every tenth of a second."""
    seen, done = [tree_megabytes(process)], threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            seen.append(tree_megabytes(process))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


if __name__ == "__main__":
    main()
