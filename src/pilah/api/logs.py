"""One JSON object a line on standard output: no names of files, no pixels, no texts of errors.

A reader that stops reading never stops the server: lines are then lost.
"""

import json
import logging
import queue
import sys
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from typing import TextIO

LOG = logging.getLogger("pilah.api")
MOST_LINES = 10_000


class _Lines(logging.Formatter):
    """A record as one line of JSON; `extra={"said": {...}}` brings its members."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "said", {}),
        }
        return json.dumps(said)


class _Writer(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:
        """Lose a line whose reader has gone; logging would print a traceback instead."""


class _Queued(QueueHandler):
    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """An error's message may quote what it was about: its kind and place alone are kept."""
        if record.exc_info and record.exc_info[0]:
            kind, _, places = record.exc_info
            where = [f"{place.name}:{place.lineno}" for place in traceback.extract_tb(places)]
            record.said = {**getattr(record, "said", {}), "error": kind.__name__, "where": where}
            record.exc_info = record.exc_text = None
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        with suppress(queue.Full):
            self.queue.put_nowait(record)


def start_logging() -> QueueListener:
    """Write the log from now on, in a thread of its own; `stop` it at the end."""
    lines: queue.Queue[logging.LogRecord] = queue.Queue(MOST_LINES)
    writer = _Writer(sys.stdout)
    writer.setFormatter(_Lines())
    listener = QueueListener(lines, writer)
    handler = _Queued(lines)
    for name, level in (
        ("pilah", logging.WARNING),
        ("pilah.api", logging.INFO),
        ("uvicorn.error", logging.ERROR),
        ("asyncio", logging.ERROR),
    ):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.propagate = False
        logger.handlers = [handler]
    listener.start()
    return listener
