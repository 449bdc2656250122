"""The server from start to the last answer: uvicorn, with what it leaves open closed."""

import signal
import socket
from dataclasses import replace

import uvicorn

from pilah.api.engine import Engine
from pilah.api.limits import HEAD_BYTES, IDLE_SECONDS, STOP_SECONDS
from pilah.api.logs import start_logging
from pilah.api.metrics import Metrics
from pilah.api.protocol import Connection
from pilah.api.routes import create_app
from pilah.api.served import Served
from pilah.api.settings import Settings
from pilah.cores import usable_cores


def serve(settings: Settings, listener: socket.socket) -> None:
    """Answer requests until SIGTERM or Ctrl+C; then what was accepted, and return.

    Args:
        settings: how the server was started.
        listener: bound to its address already.

    Raises:
        BundleError: a model cannot be used.
        KeyboardInterrupt: it was Ctrl+C.
    """
    settings = replace(settings, port=listener.getsockname()[1])  # 0 asks for any
    log = start_logging()
    try:
        metrics = Metrics()
        engine = Engine([Served(name) for name in settings.models], usable_cores(), metrics)
        config = uvicorn.Config(
            create_app(engine, settings, metrics),
            http=Connection,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
            h11_max_incomplete_event_size=HEAD_BYTES,
        )
        # uvicorn ends in the signal that it was stopped with; SIGTERM is no failure.
        signal.signal(signal.SIGTERM, lambda *_: None)
        uvicorn.Server(config).run([listener])
    finally:
        log.stop()
