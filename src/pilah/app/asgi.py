"""What `pilah app` hands to Streamlit: the pages, and what a server does beside showing them.

It clears up when it starts and ends, lets nobody put its pages into theirs, and keeps errors short.
"""

import asyncio
import logging
import shutil
import signal
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime import get_instance
from streamlit.starlette import App

from pilah.app import visits
from pilah.app.access import TokenCookie
from pilah.app.frame import apologise
from pilah.app.pictures import PICTURE, send_picture
from pilah.app.scratch import remove_leftovers, scratch_folder
from pilah.app.settings import Settings

POLICY = {
    "default-src": "'self'",
    # Streamlit's style and Vega's charts need both.
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "media-src": "'self' data: blob:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
"""What a page may load, and from where: nothing from another host, whatever is written in it."""

HEADERS = {
    "Content-Security-Policy": "; ".join(f"{part} {where}" for part, where in POLICY.items()),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class _Headers:
    """Adds `HEADERS` to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                more = [(name.lower().encode(), text.encode()) for name, text in HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *more]
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def _first_page(request: Request) -> RedirectResponse:
    """The first page has the address `/` alone; Streamlit does not know it by its name."""
    return RedirectResponse(f"./?{request.url.query}")


@asynccontextmanager
async def _lifespan(_: App) -> AsyncIterator[None]:
    _log_no_names()
    _end_with_terminal()
    remove_leftovers()
    runtime = get_instance()
    own_machine = Settings.from_arguments().own_machine
    looking = asyncio.create_task(visits.see_off(runtime, keep_sorts=own_machine))
    yield
    looking.cancel()
    await visits.forget_all(runtime)
    shutil.rmtree(scratch_folder(), ignore_errors=True)


def _log_no_names() -> None:
    """Log where an error happened and of which kind, but not its message, which may name photos."""
    make = logging.getLogRecordFactory()

    def make_without_message(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        if record.exc_info:
            kind, _, places = record.exc_info
            name = kind.__name__ if kind else ""
            record.exc_info, record.exc_text = None, "".join(traceback.format_tb(places)) + name
        return record

    logging.setLogRecordFactory(make_without_message)


def _end_with_terminal() -> None:
    """A closed terminal ends the server as SIGTERM does, so that it clears up."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


app = App(
    Path(__file__).with_name("main.py"),
    lifespan=_lifespan,
    middleware=[Middleware(_Headers), Middleware(TokenCookie)],
    routes=[Route("/classify", _first_page), Route(PICTURE, send_picture)],
    on_script_error=apologise,
)
