"""The Classify page: photos in, faces and their likely labels out."""

import html
from collections.abc import Callable
from io import BytesIO

import streamlit as st

from pilah import uploads
from pilah.answers import label_of
from pilah.app.caution import choose_caution
from pilah.app.drawing import Seen, draw_faces, preview
from pilah.app.language import text, words
from pilah.app.model import model
from pilah.app.paste import paste_into_uploader
from pilah.app.plain import plain
from pilah.app.refusals import refusal
from pilah.app.samples import sample_photos
from pilah.errors import ImageError
from pilah.types import Face, Result

REASONS = {
    "not an image": "not_an_image",
    "empty file": "empty",
    "cut off": "cut_off",
    "damaged": "damaged",
    "too large": "too_large",
    "a HEIC photo": "heic",
}
"""How a reason of `pilah.images` begins, and the text `unreadable.NAME` that says it kindly."""

SHOWN_HW = (360, 520)
"""Most pixels that a photo takes on the page: so high, the next one is not far."""


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
    _look(photos, seen)
    for key in photos:
        if key in seen:
            _show_photo(seen[key].at_caution(caution))
    if photos:
        st.caption(text("classify.meaning"))


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


def _show_photo(seen: Seen) -> None:
    result = seen.result
    with st.container(border=True):
        if result.error is not None or seen.preview_jpeg is None or result.size_hw is None:
            st.markdown(f"__{plain(seen.name)}__")
            st.warning(_unreadable(result.error or ""), icon=":material/broken_image:")
            return
        picture, answers = st.columns([3, 2], gap="medium")
        picture.image(
            draw_faces(seen.preview_jpeg, result.faces, result.size_hw),
            width=_shown_width(*result.size_hw),
        )
        answers.markdown(f"__{plain(seen.name)}__")
        if not result.faces:
            answers.info(text("classify.no_face"), icon=":material/face_retouching_off:")
        for number, face in enumerate(result.faces, start=1):
            answers.html(_face_row(number if len(result.faces) > 1 else None, face))


def _unreadable(error: str) -> str:
    for begins, name in REASONS.items():
        if error.startswith(begins):
            return text(f"unreadable.{name}")
    return plain(error)


def _shown_width(height: int, width: int) -> int:
    most_high, most_wide = SHOWN_HW
    return max(1, min(most_wide, round(most_high * width / height)))


def _face_row(number: int | None, face: Face) -> str:
    """Label, confidence and bar of one face; an unsure one says what it leans to."""
    kind = face.label or "unsure"
    share = words().confidence(face.confidence)
    leaning = label_of(face.p_male, 0.5)
    word = text(f"label.{kind}")
    if face.label is None:
        share = text("classify.leaning", label=text(f"label.{leaning}"), share=share)
    head = f"{number}. {word}" if number else word
    percent = 100 * face.confidence
    return (
        f'<div class="face {kind}"><div class="words"><b>{html.escape(head)}</b>'
        f"<span>{html.escape(share)}</span></div>"
        f'<div class="track" role="meter" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent:.1f}" aria-label="{html.escape(word)}">'
        f'<div class="fill" style="width:{percent:.1f}%"></div></div></div>'
    )
