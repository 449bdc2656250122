"""Who is here, and which photos are kept for them: no longer than they stay.

Streamlit forgets a visitor whose tab is closed only when the next one comes. Here somebody looks
every few seconds, so that their uploads and their sort are gone within a minute.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pilah.app.workspace import Workspace

STAY = 30.0
"""Seconds in which a closed tab may come back: a broken connection is not a visitor who left."""

LOOK = 5.0
"""Seconds between two looks."""

PATIENCE = 10.0
"""Seconds that a running sort gets to stop when the server ends."""

_seen: dict[str, float] = {}
_sorts: dict[str, Workspace] = {}
_running: set[Workspace] = set()


def welcome() -> None:
    """Remember the visitor whose page runs, so that their leaving is noticed."""
    _seen[_session()] = time.monotonic()


@contextmanager
def sorting(workspace: Workspace) -> Iterator[None]:
    """Keep a sort for the visitor whose page runs; if it does not get to its end, remove it."""
    session = _session()
    _sorts[session] = workspace
    _running.add(workspace)
    try:
        yield
    except BaseException:  # stopping a page is none of the usual exceptions
        discard()
        raise
    finally:
        if session not in _sorts:  # it failed, or they have left
            workspace.remove()
        _running.discard(workspace)


def discard() -> None:
    """Remove the sort of the visitor whose page runs."""
    if workspace := _sorts.pop(_session(), None):
        workspace.remove()


async def see_off(runtime: Runtime, *, keep_sorts: bool) -> None:
    """Forget each visitor some seconds after their tab was closed, for as long as this runs.

    A laptop that sleeps closes no tab, but to the server it looks so: `keep_sorts` spares those who
    have a sort, until the server ends.
    """
    while True:
        await asyncio.sleep(LOOK)
        now = time.monotonic()
        for session, seen in list(_seen.items()):
            if runtime.is_active_session(session):
                _seen[session] = now
            elif now - seen >= STAY and not (keep_sorts and session in _sorts):
                _forget(runtime, session)


async def forget_all(runtime: Runtime) -> None:
    """Forget everybody because the server ends, and wait for running sorts to stop."""
    end = time.monotonic() + PATIENCE
    for session in list(_seen):
        _forget(runtime, session)
    while _running and time.monotonic() < end:
        await asyncio.sleep(0.1)


def _forget(runtime: Runtime, session: str) -> None:
    """Remove what is kept for a visitor, in Streamlit's memory and on the disk."""
    del _seen[session]
    runtime.close_session(session)
    if workspace := _sorts.pop(session, None):
        workspace.remove()


def _session() -> str:
    context = get_script_run_ctx()
    assert context is not None, "only a running page has a visitor"
    return context.session_id
