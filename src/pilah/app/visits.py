"""Who is here, and which photos are kept for them: no longer than they stay.

Streamlit forgets a visitor whose tab is closed only when the next one comes. Here somebody looks
every few seconds, so that their uploads and their sort are gone within a minute.

A sort has an address, which the page's own address ends with (`?review=…`): a page that is loaded
anew is a new visitor to Streamlit, and finds its sort again by it. Nobody can guess one.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pilah.app.workspace import Workspace
from pilah.uploads import Refused

STAY = 30.0
"""Seconds in which a closed tab may come back: a broken connection is not a visitor who left."""

LOOK = 5.0
"""Seconds between two looks."""

PATIENCE = 10.0
"""Seconds that a running sort gets to stop when the server ends."""

AT_ONCE = 2
"""Sorts that may run at the same time: each takes every core of the machine."""

KEY = "review"
"""Of the sort's address, in the page's address and in what Streamlit keeps for a visitor."""

_seen: dict[str, float] = {}
_held: dict[str, str] = {}
"""By visitor: the address of the sort that is kept for them."""
_sorts: dict[str, Workspace] = {}
"""By address."""
_running: set[Workspace] = set()


def welcome() -> None:
    """Remember the visitor whose page runs, so that their leaving is noticed."""
    _seen[_session()] = time.monotonic()
    address = st.query_params.get(KEY, "")
    if review() is None and find(address):
        _hold(address)


def review() -> Workspace | None:
    """The finished sort of the visitor whose page runs."""
    return find(st.session_state.get(KEY, ""))


def find(address: str) -> Workspace | None:
    """The finished sort with this address; None where there is none, or no more."""
    workspace = _sorts.get(address)
    return None if workspace in _running else workspace


def show_address() -> None:
    """Put the sort's address into that of the page, whichever page it is."""
    if workspace := review():
        if st.query_params.get(KEY) != workspace.address:
            st.query_params[KEY] = workspace.address
    elif KEY in st.query_params:
        del st.query_params[KEY]


@contextmanager
def sorting(workspace: Workspace) -> Iterator[None]:
    """Keep a sort for the visitor whose page runs; if it does not get to its end, remove it.

    Raises:
        Refused: so many visitors are sorting that one more would only slow down all.
    """
    if len(_running) >= AT_ONCE:
        workspace.remove()
        raise Refused("busy")
    _sorts[workspace.address] = workspace
    _running.add(workspace)
    _hold(workspace.address)
    try:
        yield
    except BaseException:  # stopping a page is none of the usual exceptions
        discard()
        raise
    finally:
        if workspace.address not in _sorts:  # it failed, or they have left
            workspace.remove()
        _running.discard(workspace)


def discard() -> None:
    """Remove the sort of the visitor whose page runs, on every page that shows it."""
    # Not what Streamlit keeps: a page that is stopped can ask for that no more.
    if workspace := _sorts.pop(_held.pop(_session(), ""), None):
        workspace.remove()


async def see_off(runtime: Runtime, *, keep_sorts: bool) -> None:
    """Forget each visitor some seconds after their tab was closed, for as long as this runs.

    A laptop that sleeps closes no tab, but to the server it looks so: `keep_sorts` spares those who
    alone have a sort, until the server ends.
    """
    while True:
        await asyncio.sleep(LOOK)
        now = time.monotonic()
        for session, seen in list(_seen.items()):
            if runtime.is_active_session(session):
                _seen[session] = now
            elif now - seen >= STAY and not (keep_sorts and _is_last(session)):
                _forget(runtime, session)


async def forget_all(runtime: Runtime) -> None:
    """Forget everybody because the server ends, and wait for running sorts to stop."""
    end = time.monotonic() + PATIENCE
    for session in list(_seen):
        _forget(runtime, session)
    while _running and time.monotonic() < end:
        await asyncio.sleep(0.1)


def _hold(address: str) -> None:
    st.session_state[KEY] = _held[_session()] = address


def _is_last(session: str) -> bool:
    """Whether a sort would be gone with this visitor."""
    address = _held.get(session)
    others = (held for other, held in _held.items() if other != session)
    return address in _sorts and address not in others


def _forget(runtime: Runtime, session: str) -> None:
    """Remove what is kept for a visitor, in Streamlit's memory and on the disk."""
    del _seen[session]
    runtime.close_session(session)
    last = _is_last(session)
    address = _held.pop(session, "")
    if last:
        _sorts.pop(address).remove()


def _session() -> str:
    context = get_script_run_ctx()
    assert context is not None, "only a running page has a visitor"
    return context.session_id
