"""Photos stay no longer than their visitor, whose tab, sort or server may end in any way."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from photos import jpeg_of, zip_of
from PIL import Image
from playwright.sync_api import Page, expect

from demo.serving import PATIENCE, pages, served, wait_for_page
from pilah.app.scratch import PREFIX
from pilah.app.visits import LOOK, STAY
from pilah.texts import texts

expect.set_options(timeout=PATIENCE)
SAY = texts("en")
PHOTO = jpeg_of(Image.new("RGB", (64, 64), "grey"))
OTHERS = ("--address", "0.0.0.0")
"""A server that other machines may reach, so that a visitor who leaves is forgotten."""


@pytest.fixture
def disk(tmp_path, monkeypatch) -> Path:
    """Where the servers of this test keep photos."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


def photos_on(disk: Path) -> list[str]:
    files = [file for _, _, files in os.walk(disk) for file in files]
    return sorted(file for file in files if file.endswith(".jpg"))


def folders_on(disk: Path) -> list[Path]:
    return list(disk.glob(f"{PREFIX}*"))


def until(done: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE / 1000
    while not done() and time.monotonic() < end:
        time.sleep(0.1)
    return done()


@pytest.fixture
def visit(browser):
    """Open the Sort page of a server, in a browser of its own."""
    with pages(browser) as open_at:
        yield lambda address: open_at(f"{address}/sort")


def start(page: Page, photos: dict[str, bytes]) -> None:
    page.locator('input[type="file"]').set_input_files(
        [{"name": "photos.zip", "mimeType": "application/zip", "buffer": zip_of(photos)}]
    )
    page.get_by_role("button", name=SAY("sort.start"), exact=True).click()


def sort_one(page: Page) -> None:
    start(page, {"secret.jpg": PHOTO})
    expect(page.get_by_role("button", name=SAY("sort.download"))).to_be_enabled()
    wait_for_page(page)


def test_a_closed_tab_takes_its_photos_along(visit, disk, tiny_bundle):
    with served("--model", tiny_bundle, *OTHERS) as (address, _):
        gone, stays = visit(address), visit(address)
        sort_one(gone)
        sort_one(stays)
        assert len(photos_on(disk)) == 4  # each as it came, and sorted
        gone.context.close()
        assert until(lambda: len(photos_on(disk)) == 2)
        stays.get_by_role("button", name=SAY("sort.again")).click()
        expect(stays.get_by_text(SAY("sort.lead"))).to_be_visible()
        assert until(lambda: photos_on(disk) == [])


@pytest.mark.slow
def test_on_ones_own_machine_a_review_outlives_its_tab(visit, disk, tiny_bundle):
    """A laptop that sleeps looks as if its tab were closed."""
    with served("--model", tiny_bundle) as (address, process):
        page = visit(address)
        sort_one(page)
        page.context.close()
        time.sleep(STAY + 2 * LOOK)
        assert len(photos_on(disk)) == 2
        os.kill(process, signal.SIGTERM)
        assert until(lambda: folders_on(disk) == [])


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_server_that_ends_leaves_nothing(visit, disk, tiny_bundle, ended_by):
    if signal.getsignal(ended_by) is signal.SIG_IGN:
        pytest.skip(f"{ended_by.name} is ignored here, as below nohup")
    with served("--model", tiny_bundle) as (address, process):
        sort_one(visit(address))
        assert photos_on(disk) == ["secret.jpg", "secret.jpg"]
        os.kill(process, ended_by)
        assert until(lambda: folders_on(disk) == [])


def test_a_server_that_ends_in_the_middle_of_a_sort_leaves_nothing(visit, disk, tiny_bundle):
    with served("--model", tiny_bundle) as (address, process):
        start_long_sort(visit(address), disk)
        os.kill(process, signal.SIGTERM)
        assert until(lambda: not is_running(process))
        assert folders_on(disk) == []


def start_long_sort(page: Page, disk: Path) -> None:
    start(page, {f"{number}.jpg": PHOTO for number in range(400)})
    expect(page.get_by_role("progressbar")).to_be_visible()
    assert until(lambda: len(photos_on(disk)) > 400)


def is_running(process: int) -> bool:
    return "Z" not in Path(f"/proc/{process}/stat").read_text().rsplit(")")[1].split()[0]


def test_what_a_killed_server_left_is_removed_by_the_next_one(visit, disk, tiny_bundle):
    with served("--model", tiny_bundle) as (address, process):
        sort_one(visit(address))
        os.kill(process, signal.SIGKILL)
        assert until(lambda: not is_running(process))
    assert len(photos_on(disk)) == 2
    with served("--model", tiny_bundle) as (address, _):
        assert until(lambda: photos_on(disk) == [])
        sort_one(visit(address))
        with served("--model", tiny_bundle) as _:
            assert len(photos_on(disk)) == 2  # of a server that runs


def test_stop_leaves_the_page_as_before_and_no_photo(visit, disk, tiny_bundle):
    with served("--model", tiny_bundle) as (address, _):
        page = visit(address)
        start_long_sort(page, disk)
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("progressbar")).to_have_count(0)
        assert until(lambda: photos_on(disk) == [])
        expect(page.get_by_role("button", name=SAY("sort.start"), exact=True)).to_be_enabled()
