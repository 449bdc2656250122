"""A browser whose pages may ask for nothing beyond this machine."""

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from pilah.app.settings import LOOPBACK


class WatchedBrowser:
    """A browser that remembers what each page that it opens has asked for."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.asked: list[str] = []

    def new_context(self, **options: Any) -> BrowserContext:
        context = self._browser.new_context(**options)
        context.on("page", self._watch)
        return context

    def new_page(self, **options: Any) -> Page:
        page = self._browser.new_page(**options)
        self._watch(page)
        return page

    def _watch(self, page: Page) -> None:
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", lambda socket: self.asked.append(socket.url))


@contextlib.contextmanager
def kept_inside(browser: Browser) -> Iterator[WatchedBrowser]:
    """Watch a browser, and fail if a page of it asks for anything beyond this machine."""
    watched = WatchedBrowser(browser)
    yield watched
    if beyond := [url for url in watched.asked if _is_beyond(url)]:
        pytest.fail(f"asked for beyond this machine: {beyond}")


def _is_beyond(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob") and parts.hostname not in LOOPBACK
