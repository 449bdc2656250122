"""What happens around every request: its id, the key, the log, the figures, what goes wrong."""

import asyncio
import hashlib
import hmac
import re
import time
import uuid
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pilah.api.logs import LOG
from pilah.api.metrics import Metrics
from pilah.api.problems import MEDIA_TYPE, Problem
from pilah.api.settings import LOOPBACK, Settings

OPEN = ("/healthz", "/readyz", "/openapi.json")
"""Answered without a key: probes, and the description of the rest."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
}
CLIENT_LEFT = 499
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(slots=True)
class Trace:
    """What is known about a request: `photos` is how many it had, `status` what it was told."""

    id: str
    photos: int = 0
    status: int = CLIENT_LEFT


class Gate:
    """Lets requests in, and says what became of them."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        """Stand before `app`."""
        self._app = app
        self._metrics = metrics
        self._key = None if settings.key is None else _digest(settings.key.encode())
        self._local = settings.key is None and settings.is_local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        trace = Trace(_request_id(request))
        scope["trace"] = trace
        started = time.perf_counter()

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                trace.status = message["status"]
                more = {**HEADERS, "X-Request-ID": trace.id}
                encoded = [(name.lower().encode(), text.encode()) for name, text in more.items()]
                message["headers"] = [*message.get("headers", []), *encoded]
            await send(message)

        try:
            self._check(request)
            await self._app(scope, receive, send_on)
        except Problem as problem:
            await told(problem, trace)(scope, receive, send_on)
        except asyncio.CancelledError:
            pass
        except Exception:  # FastAPI has answered it already, if it could
            LOG.exception("failed", extra={"said": {"request_id": trace.id}})
            if trace.status == CLIENT_LEFT:
                await told(failed(), trace)(scope, receive, send_on)
        finally:
            self._note(scope, trace, time.perf_counter() - started)

    def _check(self, request: Request) -> None:
        """Refuse who may not ask.

        Raises:
            Problem: the key is missing or wrong, or a page of elsewhere asks.
        """
        if self._local and _host(request.headers.get("host", "")) not in LOOPBACK:
            raise Problem(
                421,
                "host",
                "a Host header of another name than this machine's own; ask http://localhost",
            )
        if self._key is None or request.scope["path"] in OPEN:
            return
        given = request.headers.getlist("authorization")
        scheme, _, key = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        is_right = hmac.compare_digest(_digest(key.strip().encode("latin-1")), self._key)
        if scheme.lower() != "bearer" or not is_right:
            raise Problem(
                401,
                "key",
                "the key is missing or wrong; send it as `Authorization: Bearer KEY`",
                headers={"WWW-Authenticate": "Bearer"},
            )

    def _note(self, scope: Scope, trace: Trace, seconds: float) -> None:
        # The address itself may hold a name; what it belongs to does not.
        route = getattr(scope.get("route"), "path", "none")
        self._metrics.requests.labels(route, str(trace.status)).inc()
        self._metrics.request_seconds.labels(route).observe(seconds)
        said = {
            "request_id": trace.id,
            "method": scope["method"] if scope["method"] in METHODS else "other",
            "route": route,
            "status": trace.status,
            "photos": trace.photos,
            "milliseconds": round(seconds * 1000, 1),
        }
        LOG.info("request", extra={"said": said})


def told(problem: Problem, trace: Trace) -> Response:
    """A problem as an answer."""
    return Response(
        problem.to_json(trace.id), problem.status, problem.headers, media_type=MEDIA_TYPE
    )


def failed() -> Problem:
    """What a client is told of an error that nobody foresaw."""
    return Problem(500, "failed", "the server failed; its log has the request id")


def _request_id(request: Request) -> str:
    given = request.headers.get("x-request-id", "")
    return given if _ID.fullmatch(given) else uuid.uuid4().hex


def _host(header: str) -> str:
    """The name in a Host header, without its port."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()


def _digest(key: bytes) -> bytes:
    """Of one length, so that comparing tells nothing about the key's."""
    return hashlib.sha256(key).digest()
