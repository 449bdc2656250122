"""The Classify page: photos in, faces and their likely labels out."""

from collections.abc import Callable
from io import BytesIO

import streamlit as st

from pilah import uploads
from pilah.app.cards import show_photos
from pilah.app.caution import choose_caution
from pilah.app.downloads import offer_downloads
from pilah.app.drawing import Seen, preview
from pilah.app.language import text, words
from pilah.app.model import model
from pilah.app.paste import paste_into_uploader
from pilah.app.refusals import refusal
from pilah.app.samples import sample_photos
from pilah.errors import ImageError
from pilah.types import Result


def show() -> None:
    """Show the page."""
    st.markdown(text("classify.lead"))
    photos = _photos()
    with st.spinner(text("classify.loading")):
        info = model().pilah.info
    caution = choose_caution(info)
    seen: dict[str, Seen] = st.session_state.setdefault("seen", {})
    for gone in seen.keys() - photos.keys():
        del seen[gone]
        st.session_state.get("wrong", {}).pop(gone, None)
    _look(photos, seen)
    shown = {key: seen[key].at_caution(caution) for key in photos if key in seen}
    if shown:
        read = {key: photos[key][1] for key in shown}
        show_photos(shown, read, caution)
        st.caption(text("classify.meaning"))
        offer_downloads(shown, read)


Sources = dict[str, tuple[str, Callable[[], bytes]]]
"""By a key that is the same for the same photo: its name, and how its bytes are read."""


def _photos() -> Sources:
    kind = st.segmented_control(
        text("classify.source"),
        ["upload", "camera", "samples"],
        default="upload",
        format_func=lambda kind: text(f"classify.from_{kind}"),
        required=True,
        label_visibility="collapsed",
        key="source",
    )
    if kind == "camera":
        shot = st.camera_input(text("classify.camera"), key="camera")
        return {shot.file_id: (text("classify.shot"), shot.getvalue)} if shot else {}
    if kind == "samples":
        return _samples()
    files = st.file_uploader(
        text("classify.drop"), accept_multiple_files=True, max_upload_size=50, key="photos"
    )
    paste_into_uploader()
    st.caption(
        text("classify.limits", photos=uploads.MAX_PHOTOS, pixels=uploads.MAX_PIXELS // 10**6)
    )
    try:
        uploads.check_count(len(files))
    except uploads.Refused as refused:
        st.warning(refusal(refused, words().language))
    return {file.file_id: (file.name, file.getvalue) for file in files[: uploads.MAX_PHOTOS]}


def _samples() -> Sources:
    samples = sample_photos()
    chosen = st.pills(
        text("classify.samples"), list(samples), default=None, selection_mode="multi", key="samples"
    )
    st.caption(text("classify.samples_from"))
    return {f"sample {name}": (name, samples[name].read_bytes) for name in chosen}


def _look(photos: Sources, seen: dict[str, Seen]) -> None:
    new = [key for key in photos if key not in seen]
    if not new:
        return
    progress = st.progress(0.0, text("classify.looking", done=0, all=len(new)))
    for done, key in enumerate(new, start=1):
        name, read = photos[key]
        seen[key] = _look_at(name, read())
        progress.progress(done / len(new), text("classify.looking", done=done, all=len(new)))
    progress.empty()


def _look_at(name: str, data: bytes) -> Seen:
    try:
        uploads.check_pixels(BytesIO(data))
        result = model().predict(data)
        return Seen(name, result, None if result.error else preview(data))
    except uploads.Refused as refused:
        return Seen(name, Result(None, error=refusal(refused, words().language)), None)
    except ImageError as error:
        return Seen(name, Result(None, error=str(error)), None)
