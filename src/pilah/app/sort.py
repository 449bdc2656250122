"""The Sort page: a .zip or a folder in, a sorted .zip out, with a person's corrections."""

import math
import threading
import time
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx

from pilah.app import visits
from pilah.app.archive import write_folder, write_zip
from pilah.app.charts import BIN_COLOURS, show_chart
from pilah.app.intake import Wish, ask
from pilah.app.language import text, words
from pilah.app.model import sorting_model
from pilah.app.plain import plain
from pilah.app.refusals import refusal
from pilah.app.review import in_order, show_grid
from pilah.app.workspace import Workspace
from pilah.dataset.manifest import MIN_IMAGES
from pilah.errors import PilahError
from pilah.report.tally import Tally
from pilah.sorting.bins import BINS
from pilah.uploads import MAX_UNPACKED_MB, Refused, Unpacked, take_in

ALL = "all"

RUNS = "sort runs"
"""What Streamlit keeps for a visitor while their sort runs."""

FEW = 3
"""Photos that are named of many."""

SURE_AFTER = 3.0
"""Seconds after which the time left is known well enough to be said."""


def show() -> None:
    """Show the page."""
    st.markdown(text("sort.lead"))
    workspace = visits.review()
    if workspace is None:
        _ask()
    else:
        _show_sorted(workspace)


def _ask() -> None:
    if st.session_state.pop(RUNS, False):
        st.info(text("sort.stopped"))
    wish = ask()
    if wish is None:
        return
    st.session_state[RUNS] = True  # a click that stops this page leaves it so
    try:
        workspace = Workspace(wish.own_folder())
        with visits.sorting(workspace):
            _sort(workspace, wish)
    except Refused as refused:
        st.error(refusal(refused, words().language))
    except PilahError as error:
        st.error(plain(str(error)))
    else:
        del st.session_state[RUNS]
        st.rerun()
    del st.session_state[RUNS]


def _sort(workspace: Workspace, wish: Wish) -> None:
    shown = st.empty()
    place = shown.container()
    bar = place.progress(0.0, text("sort.loading"))
    # Whatever is clicked runs the page anew and so stops this sort; `visits` removes what it left.
    place.button(text("sort.cancel"))
    begun = time.monotonic()

    def progress(done: int, all: int) -> None:
        said = text("sort.sorting", done=words().number(done), all=words().number(all))
        bar.progress(done / all, f"{said} {_time_left(time.monotonic() - begun, done, all)}")

    try:
        if wish.files:
            workspace.unpacked = take_in(wish.files, workspace.source)
        with sorting_model(wish.model, wish.min_confidence) as pilah:
            workspace.sort(
                pilah.predict_many, pilah.info, by=wish.by, tree=wish.tree, progress=progress
            )
        if not workspace.photos:
            raise Refused("loose_empty") if wish.files else Refused("folder_empty")
    finally:
        _clear(shown)


def _time_left(seconds: float, done: int, all: int) -> str:
    """How long the rest takes if it goes on like this; nothing at first and at the end."""
    left = seconds / done * (all - done) if done else 0.0
    if seconds < SURE_AFTER or left < 1:
        return ""
    if left < 60:
        return text("sort.seconds_left", number=words().number(math.ceil(left / 5) * 5))
    return text("sort.minutes_left", number=words().number(round(left / 60)))


def _clear(element: Any) -> None:
    """Remove an element, even after Stop, from when on Streamlit sends only what others write."""
    thread = add_script_run_ctx(threading.Thread(target=element.empty))
    thread.start()
    thread.join()


def _show_sorted(workspace: Workspace) -> None:
    tally = workspace.tally()
    counts: dict[str, int] = {bin: tally.bins[bin] for bin in BINS}
    _show_left_out(workspace.unpacked)
    _show_share(workspace, tally)
    st.header(text("sort.look"))
    chosen = st.segmented_control(
        text("sort.bin"),
        [ALL, *BINS],
        default=ALL,
        format_func=lambda bin: _filter_words(bin, counts),
        required=True,
        label_visibility="collapsed",
        key="bin",
    )
    photos = [
        number
        for number in in_order(workspace)
        if chosen in (ALL, workspace.bin_of(workspace.photos[number]))
    ]
    show_grid(workspace, photos, str(chosen))
    _chart(counts)
    _offer(workspace)


def _offer(workspace: Workspace) -> None:
    """The result to take home: as a .zip, and on one's own machine as a new folder."""
    st.header(text("sort.take"))
    corrections = words().number(len(workspace.corrections))
    st.markdown(text("sort.take_text", number=corrections, least=MIN_IMAGES))
    small = workspace.megabytes <= MAX_UNPACKED_MB
    language = words().language  # of now: the .zip is made when it is asked for
    with st.container(horizontal=True):
        if small:
            st.download_button(
                text("sort.download"),
                lambda: write_zip(workspace, language).read_bytes(),
                file_name="sorted.zip",
                mime="application/zip",
                type="primary",
                on_click="ignore",
            )
        if st.button(text("sort.again")):
            visits.discard()
            st.rerun()
    if not workspace.is_own_folder:
        return
    target = st.text_input(text("sort.copy_to"), f"{workspace.source}-sorted", key="copy to")
    if st.button(text("sort.copy"), type="secondary" if small else "primary"):
        try:
            with st.spinner(text("sort.copying")):
                lost = write_folder(workspace, Path(target).expanduser(), language)
        except Refused as refused:
            st.error(refusal(refused, language))
        else:
            st.success(text("sort.copied", name=plain(target)))
            if lost:
                names = ", ".join(map(plain, lost[:FEW]))
                st.warning(text("sort.lost", number=words().number(len(lost)), names=names))


def _filter_words(bin: str, counts: dict[str, int]) -> str:
    """A folder and how many photos it holds."""
    if bin == ALL:
        return f"{text('sort.all')} {words().number(sum(counts.values()))}"
    return f"{text(f'bin.{bin}')} {words().number(counts[bin])}"


def _show_left_out(unpacked: Unpacked | None) -> None:
    if unpacked and unpacked.ignored:
        st.caption(text("sort.ignored", number=words().number(unpacked.ignored)))
    for name, refused in unpacked.left_out if unpacked else ():
        st.warning(f"{plain(name)}: {refusal(refused, words().language)}")


def _show_share(workspace: Workspace, tally: Tally) -> None:
    share = workspace.share(tally)
    if share:
        best = share.corrected or share.raw
        low, high = words().percent(best.low), words().percent(best.high)
        st.markdown(text("sort.share", share=words().percent(best.value), low=low, high=high))


def _chart(counts: dict[str, int]) -> None:
    rows = [
        {"bin": text(f"bin.{bin}"), "n": n, "colour": BIN_COLOURS[bin]} for bin, n in counts.items()
    ]
    show_chart(
        alt.Chart(pd.DataFrame(rows), height=200)
        .mark_bar(cornerRadius=4)
        .encode(
            x=alt.X("n:Q", title=text("sort.photos"), axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y("bin:N", title=None, sort=None),
            color=alt.Color("colour:N", scale=None),
            tooltip=[
                alt.Tooltip("bin:N", title=text("sort.bin")),
                alt.Tooltip("n:Q", title=text("sort.photos")),
            ],
        )
    )
