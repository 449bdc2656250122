"""Connections that come too slowly, are too many or damaged, and how they end.

uvicorn waits for ever for the headers of a request and for a body that is not wanted, closes idle
connections the moment it stops, and has plain texts for what h11 refuses.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from pilah.api.limits import BODY_SECONDS, HEAD_SECONDS, MAX_CONNECTIONS
from pilah.api.problems import MEDIA_TYPE, Problem

LAST_SECONDS = 1.0
"""That an idle connection still may begin a request in, once the server stops."""

CLOSE = (b"connection", b"close")


class Connection(H11Protocol):
    """One connection."""

    _late: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _stopping = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self._refuse(Problem(503, "limit:connections", "too many connections; try again"))
            return
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Hand on what has arrived; watch that the rest comes in time."""
        try:
            super().data_received(data)
        except h11.LocalProtocolError:  # what has arrived is damaged, and the answer has begun
            self.transport.abort()
            return
        if self._is_open():
            self._stop_waiting()
        else:
            self._wait()

    def on_response_complete(self) -> None:
        """Watch that a body which was not wanted ends, and a next request that has begun."""
        super().on_response_complete()
        unfinished = self.conn.their_state is h11.SEND_BODY or self.conn.trailing_data[0]
        if unfinished and not self._is_open():
            self._wait()

    def pause_writing(self) -> None:
        """An answer is not read: wait no longer for that than for a body."""
        super().pause_writing()
        self._unread = self.loop.call_later(BODY_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It is read on."""
        super().resume_writing()
        self._stop_minding()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._stop_waiting()
        self._stop_minding()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Answer what has begun, and what a client had sent before it could know."""
        if CLOSE not in self.server_state.default_headers:
            self.server_state.default_headers = [*self.server_state.default_headers, CLOSE]
        self._stopping = True
        if self._is_open():
            self.cycle.default_headers = self.server_state.default_headers
        else:
            self.loop.call_later(LAST_SECONDS, self._end_if_idle)

    def send_400_response(self, msg: str) -> None:
        """Say what h11 refuses as a problem, and end."""
        self._refuse(
            Problem(400, "damaged-request", "not a valid HTTP request, or its headers are too long")
        )

    def _is_open(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _end_if_idle(self) -> None:
        if not self._is_open():
            self.transport.close()

    def _wait(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _stop_minding(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _give_up(self) -> None:
        self._late = None
        if not self._is_open():
            self.transport.abort()

    def _refuse(self, problem: Problem) -> None:
        """Answer without a request; what is sent at last need not be well-formed for h11."""
        body = problem.to_json()
        head = (
            f"HTTP/1.1 {problem.status} Refused\r\nContent-Type: {MEDIA_TYPE}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
