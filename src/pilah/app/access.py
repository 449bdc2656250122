"""Who may name folders of this machine: whoever opens the address that `pilah app` prints.

Other users of the machine, and programs of theirs, can connect to its ports too. So the address has
a token, as notebooks have; a cookie keeps it for the browser that opened it.
"""

import os
import secrets
from urllib.parse import parse_qs

import streamlit as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pilah.app.language import text
from pilah.app.settings import TOKEN_VARIABLE

COOKIE = "pilah-token"


class TokenCookie:
    """Turns the token in an address into a cookie."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap another application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, with a cookie for whoever knows the token."""
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and is_token(asked[0]):
                cookie = f"{COOKIE}={asked[0]}; Path=/; HttpOnly; SameSite=Strict"
                message["headers"] = [
                    *message.get("headers", []),
                    (b"set-cookie", cookie.encode()),
                ]
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def hide_token() -> None:
    """Take the token out of the address of the page: the cookie has it now."""
    st.query_params.pop("token", None)


def is_token(given: str) -> bool:
    """Whether this is the token of this server; in constant time, so that none is found by it."""
    token = os.environ.get(TOKEN_VARIABLE, "")
    return token != "" and secrets.compare_digest(given.encode(), token.encode())


def knows_token() -> bool:
    """Whether the visitor may name folders; if not, they are asked for the token."""
    if is_token(str(st.context.cookies.get(COOKIE, ""))):
        return True
    given = st.text_input(text("access.token"), type="password", key="token").strip()
    if not given:
        st.caption(text("access.where"))
    elif not is_token(given):
        st.error(text("access.wrong"))
    return is_token(given)
