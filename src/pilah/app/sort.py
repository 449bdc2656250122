"""The Sort page: a .zip or a folder in, a sorted .zip out, with a person's corrections."""

import threading
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx

from pilah import uploads
from pilah.app import visits
from pilah.app.archive import write_zip
from pilah.app.charts import BIN_COLOURS, show_chart
from pilah.app.language import text, words
from pilah.app.model import sorting_model
from pilah.app.plain import plain
from pilah.app.refusals import refusal
from pilah.app.review import in_order, show_grid
from pilah.app.settings import Settings
from pilah.app.workspace import Workspace
from pilah.dataset.manifest import MIN_IMAGES
from pilah.errors import PilahError
from pilah.report.tally import Tally
from pilah.sorting.bins import BINS
from pilah.sorting.walk import find_photos
from pilah.uploads import Refused, Unpacked, unpack

ALL = "all"


def show() -> None:
    """Show the page."""
    st.markdown(text("sort.lead"))
    workspace = visits.review()
    if workspace is None:
        _ask()
    else:
        _show_sorted(workspace)


def _ask() -> None:
    own = Settings.from_arguments().own_machine
    file = st.file_uploader(text("sort.drop"), type="zip", key="zip")
    folder = st.text_input(text("sort.folder"), key="folder").strip() if own else ""
    st.caption(text("sort.limits", photos=uploads.MAX_ZIP_PHOTOS, size=uploads.MAX_UNPACKED_MB))
    if not st.button(text("sort.start"), type="primary", disabled=not (file or folder)):
        return
    try:
        workspace = Workspace(None if file else _own_folder(folder))
        with visits.sorting(workspace):
            workspace.unpacked = unpack(file, workspace.source) if file else None
            _sort(workspace)
    except Refused as refused:
        st.error(refusal(refused, words().language))
    except PilahError as error:
        st.error(plain(str(error)))
    else:
        st.rerun()


def _own_folder(name: str) -> Path:
    try:
        folder = Path(name).expanduser()
        there = folder.is_dir()
    except (OSError, RuntimeError):  # a name that is too long, or of a user who is not there
        there = False
    if not there:
        raise Refused("folder", name=name)
    found = find_photos([str(folder)], folder / ".pilah-none")
    if len(found.photos) > uploads.MAX_ZIP_PHOTOS:
        raise Refused("folder_photos", number=len(found.photos), most=uploads.MAX_ZIP_PHOTOS)
    size = sum(photo.size for photo in found.photos)
    if size > uploads.MAX_UNPACKED_MB * uploads.MEGABYTE:
        raise Refused("folder_size", most=uploads.MAX_UNPACKED_MB)
    return folder


def _sort(workspace: Workspace) -> None:
    bar = st.progress(0.0, text("sort.loading"))

    def progress(done: int, all: int) -> None:
        bar.progress(done / all, text("sort.sorting", done=done, all=all))

    try:
        with sorting_model() as pilah:
            workspace.sort(pilah.predict_many, pilah.info, progress=progress)
    finally:
        _clear(bar)


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
    st.header(text("sort.take"))
    corrections = words().number(len(workspace.corrections))
    st.markdown(text("sort.take_text", number=corrections, least=MIN_IMAGES))
    with st.container(horizontal=True):
        st.download_button(
            text("sort.download"),
            lambda: write_zip(workspace).read_bytes(),
            file_name="sorted.zip",
            mime="application/zip",
            type="primary",
            on_click="ignore",
        )
        if st.button(text("sort.again")):
            visits.discard()
            st.rerun()


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
