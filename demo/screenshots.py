"""Shoot every page of the web app: `python -m demo.screenshots FOLDER`.

The real app runs with the shipped model and is looked at in a real browser, as a visitor sees it
on a desktop, on a phone, and in the dark. The photos are those of the demo.
"""

import io
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from demo.portraits import write_photos
from demo.serving import PATIENCE, launched, served, wait_for_page

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}

CLASSIFIED = ("collins.png", "coffee.jpg", "both.jpg")


def main(folder: Path) -> None:
    """Write `PAGE-SIZE.png` for each page and size, and `classify-dark.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made, served() as (address, _), launched() as browser:
        photos = Path(made)
        write_photos(photos)
        pages: dict[str, Callable[[Page], None]] = {
            "classify": lambda page: _classify(page, photos),
            "closer": lambda page: _look_closer(page, photos),
            "sort": lambda page: _sort(page, photos),
            "study": lambda page: None,
            "about": lambda page: None,
        }
        for name, act in pages.items():
            for size in SIZES:
                url = f"{address}/{'' if name == 'closer' else name}"
                _shoot(browser, url, act, size, folder / f"{name}-{size}.png")
        _shoot(
            browser,
            address,
            pages["classify"],
            "desktop",
            folder / "classify-dark.png",
            scheme="dark",
        )


def _shoot(
    browser: Browser,
    url: str,
    act: Callable[[Page], None],
    size: str,
    to: Path,
    *,
    scheme: str = "light",
) -> None:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        is_mobile=size == "phone",
        has_touch=size == "phone",
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-GB",
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(url)
    wait_for_page(page)
    act(page)
    wait_for_page(page)
    page.mouse.move(0, 0)  # off the charts, which show their buttons under it
    page.wait_for_timeout(1500)  # charts are drawn, and what moved has come to rest
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.convert("RGB").save(to, optimize=True)  # small, for it is committed
    context.close()


def _classify(page: Page, photos: Path) -> None:
    page.locator('input[type="file"]').set_input_files([photos / name for name in CLASSIFIED])
    expect(page.locator(".stImage img")).to_have_count(len(CLASSIFIED), timeout=PATIENCE)
    if page.viewport_size and page.viewport_size["width"] < 600:  # the answers lie below
        page.locator(".face").first.evaluate("face => face.scrollIntoView({block: 'center'})")


def _look_closer(page: Page, photos: Path) -> None:
    page.locator('input[type="file"]').set_input_files([photos / "collins.png"])
    page.get_by_role("button", name="A closer look").click()
    page.get_by_role("dialog").locator(".stImage img").wait_for()


def _sort(page: Page, photos: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for photo in sorted(photos.iterdir()):
            archive.write(photo, photo.name)
    page.locator('input[type="file"]').set_input_files(
        {"name": "photos.zip", "mimeType": "application/zip", "buffer": file.getvalue()}
    )
    page.get_by_role("button", name="Sort", exact=True).click()
    page.get_by_role("button", name="Download the sorted .zip").wait_for()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m demo.screenshots FOLDER")
    main(Path(sys.argv[1]))
