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
from pilah.app.charts import BIN_COLOURS, show_chart
from pilah.app.language import text, words
from pilah.app.model import sorting_model
from pilah.app.plain import plain
from pilah.app.refusals import refusal
from pilah.app.settings import Settings
from pilah.app.workspace import Workspace
from pilah.dataset.manifest import MIN_IMAGES
from pilah.errors import PilahError
from pilah.sorting.bins import BINS, Bin
from pilah.sorting.photos import SortedPhoto
from pilah.sorting.walk import find_photos
from pilah.uploads import Refused, Unpacked, unpack

ON_A_PAGE = 12


def show() -> None:
    """Show the page."""
    st.markdown(text("sort.lead"))
    workspace: Workspace | None = st.session_state.get("workspace")
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
            st.session_state["unpacked"] = unpack(file, workspace.source) if file else None
            _sort(workspace)
    except Refused as refused:
        st.error(refusal(refused, words().language))
    except PilahError as error:
        st.error(plain(str(error)))
    else:
        st.session_state["workspace"] = workspace
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
    counts = workspace.counts()
    _show_left_out(st.session_state.get("unpacked"))
    with st.container(horizontal=True):
        for bin, count in counts.items():
            st.metric(text(f"bin.{bin}"), words().number(count), width=130)
    _charts(workspace, counts)
    st.subheader(text("sort.look"))
    st.markdown(text("sort.look_text"))
    filled = [bin for bin in BINS if counts[bin]]
    chosen = st.segmented_control(
        text("sort.bin"),
        filled,
        default=filled[0] if filled else None,
        format_func=lambda bin: text(f"bin.{bin}"),
        required=True,
        label_visibility="collapsed",
    )
    photos = [photo for photo in workspace.photos if workspace.bin_of(photo) == chosen]
    _gallery(workspace, photos)
    st.subheader(text("sort.take"))
    corrections = words().number(len(workspace.corrections))
    st.markdown(text("sort.take_text", number=corrections, least=MIN_IMAGES))
    with st.container(horizontal=True):
        st.download_button(
            text("sort.download"),
            lambda: workspace.zip().read_bytes(),
            file_name="sorted.zip",
            mime="application/zip",
            type="primary",
            on_click="ignore",
        )
        if st.button(text("sort.again")):
            visits.discard()
            del st.session_state["workspace"]
            st.rerun()


def _show_left_out(unpacked: Unpacked | None) -> None:
    if unpacked and unpacked.ignored:
        st.caption(text("sort.ignored", number=words().number(unpacked.ignored)))
    for name, refused in unpacked.left_out if unpacked else ():
        st.warning(f"{plain(name)}: {refusal(refused, words().language)}")


def _charts(workspace: Workspace, counts: dict[Bin, int]) -> None:
    rows = [
        {"bin": text(f"bin.{bin}"), "n": n, "colour": BIN_COLOURS[bin]} for bin, n in counts.items()
    ]
    chart = (
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
    show_chart(chart)
    share = workspace.report.share if workspace.report else None
    if share:
        best = share.corrected or share.raw
        low, high = words().percent(best.low), words().percent(best.high)
        st.markdown(text("sort.share", share=words().percent(best.value), low=low, high=high))


def _gallery(workspace: Workspace, photos: list[SortedPhoto]) -> None:
    pages = max(1, -(-len(photos) // ON_A_PAGE))
    page = 1
    if pages > 1:
        page = st.number_input(text("sort.page", pages=pages), 1, pages, width=220)
    with st.container(horizontal=True, gap="small"):
        first = (page - 1) * ON_A_PAGE
        for number, photo in enumerate(photos[first : first + ON_A_PAGE], start=first + 1):
            with st.container(border=True, width=170):
                _tile(workspace, photo, number)


def _tile(workspace: Workspace, photo: SortedPhoto, number: int) -> None:
    name = workspace.name_of(photo)
    jpeg = workspace.thumbnail_jpeg(photo)
    if jpeg:
        st.image(jpeg)
    st.caption(plain(name))
    if photo.destination is None:
        return
    key = f"move {photo.source}"

    def move() -> None:
        to: Bin = st.session_state[key]
        workspace.correct(photo, to)
        st.toast(text("sort.moved", name=plain(name), bin=text(f"bin.{to}")))

    st.selectbox(
        text("sort.move", number=words().number(number)),
        BINS,
        index=BINS.index(workspace.bin_of(photo)),
        format_func=lambda bin: text(f"bin.{bin}"),
        key=key,
        on_change=move,
        label_visibility="collapsed",
    )
